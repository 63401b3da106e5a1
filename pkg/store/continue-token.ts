import { RiverError } from '../base/index.ts';
import type { Position } from './queries.ts';

/** Where a list goes on, and the version that all of its pages show. */
export interface ContinueToken {
  version: number;
  position: Position;
}

export function encodeToken({ version, position }: ContinueToken): string {
  return Buffer.from(JSON.stringify([version, position.namespace, position.name])).toString('base64url');
}

/** Raises `BadRequest` for anything that `encodeToken` did not make. */
export function decodeToken(text: string): ContinueToken {
  const parts = parse(text);
  if (Array.isArray(parts) && parts.length === 3) {
    const [version, namespace, name]: unknown[] = parts;
    const isVersion = typeof version === 'number' && Number.isSafeInteger(version) && version >= 0;
    if (isVersion && typeof namespace === 'string' && typeof name === 'string') {
      return { version, position: { namespace, name } };
    }
  }
  throw new RiverError(
    'BadRequest',
    'The continue token is not one that a list has answered: list again without it.',
  );
}

function parse(text: string): unknown {
  try {
    return JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));
  } catch {
    return undefined;
  }
}

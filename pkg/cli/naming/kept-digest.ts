import type { Environment } from '../../api/index.ts';
import { shortDigest } from '../../environment/index.ts';
import { ExitError } from '../errors.ts';
import { exitCodes } from '../exit-codes.ts';

/** The kept digest that begins with these digits. */
export function keptDigest({ metadata, status }: Environment, digits: string): string {
  const kept = (status?.history ?? []).map(({ digest }) => digest);
  const wanted = digits.replace(/^sha256:/, '');
  const found = kept.filter((digest) => wanted !== '' && digest.startsWith(`sha256:${wanted}`));
  if (found.length === 1) return found[0] as string;
  const list = kept.map(shortDigest).join(', ') || 'none';
  const problem = found.length > 1 ? 'several digests that begin with' : 'no digest';
  throw new ExitError(
    exitCodes.failed,
    `environment ${metadata.name} has ${problem} ${digits}; kept are ${list}; nothing was changed`,
  );
}

import { errorMessage, RiverError } from '../base/index.ts';
import type { Failure } from './situation.ts';

export function isTransient(error: unknown): boolean {
  return error instanceof RiverError && error.transient;
}

/** Executors name it in the error's first cause. */
export function reasonOf(error: unknown): string | undefined {
  return error instanceof RiverError ? error.details.causes?.[0]?.reason : undefined;
}

/** Ports and times differ at each try: nothing that is worth a write. */
export function isAlike(one: string | undefined, other: string): boolean {
  return one?.replaceAll(/\d+/g, '') === other.replaceAll(/\d+/g, '');
}

export function failureOf(error: unknown, fallback: string): Failure {
  return { reason: reasonOf(error) ?? fallback, message: errorMessage(error) };
}

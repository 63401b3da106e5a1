import { RiverError } from '../../pkg/base/index.ts';

/** What arrives is a copy, as JSON makes it: no shared objects, no undefined fields. */
export function wire<T>(value: T): T {
  return value === undefined ? value : (JSON.parse(JSON.stringify(value)) as T);
}

/** An error as the HTTP client raises it again on the other side. */
export function wireError(error: unknown): RiverError {
  if (error instanceof RiverError) return new RiverError(error.code, error.message, wire(error.details));
  return new RiverError('InternalError', String(error));
}

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

/** What JSON would not carry as it is, with its place; undefined when there is nothing such. Missing fields may be `undefined`. */
export function unserializable(value: unknown, place = 'message'): string | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? undefined : `${place} is ${value}`;
  if (value === null || typeof value !== 'object')
    return ['string', 'boolean', 'undefined', 'object'].includes(typeof value)
      ? undefined
      : `${place} is a ${typeof value}`;
  if (Array.isArray(value)) {
    if (value.includes(undefined)) return `${place} has an undefined item`;
  } else if (Object.getPrototypeOf(value) !== Object.prototype)
    return `${place} is a ${value.constructor.name}`;
  for (const [key, item] of Object.entries(value)) {
    const found = unserializable(item, `${place}.${key}`);
    if (found) return found;
  }
  return undefined;
}

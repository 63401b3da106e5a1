import { RiverError } from '../../pkg/base/index.ts';

/**
 * What arrives is a copy, as JSON makes it: no shared objects, no undefined fields. By hand, since every message is
 * copied, and through text that takes six times as long. Raises an error that names the place of what JSON would not
 * carry as it is.
 */
export function wire<T>(value: T): T {
  return carried(value, value) as T;
}

function carried(value: unknown, message: unknown): unknown {
  if (isPlain(value)) return value;
  if (Array.isArray(value) && !value.includes(undefined)) return value.map((item) => carried(item, message));
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype)
    throw new Error(unserializable(message));
  // Copied as a whole first: most fields are plain, and to make an object field by field takes far longer.
  const copy: Record<string, unknown> = { ...value };
  for (const key in copy) {
    const item = copy[key];
    if (item === undefined) return carried(withoutUndefined(copy), message);
    if (!isPlain(item)) copy[key] = carried(item, message);
  }
  return copy;
}

function withoutUndefined(value: object): object {
  return Object.fromEntries(Object.entries(value).filter(([, item]) => item !== undefined));
}

/** The same here and there; of a field that is undefined there is nothing there. */
function isPlain(value: unknown): boolean {
  return (
    typeof value === 'string' ||
    typeof value === 'boolean' ||
    value === null ||
    value === undefined ||
    (typeof value === 'number' && Number.isFinite(value))
  );
}

/** An error as the HTTP client raises it again on the other side. */
export function wireError(error: unknown): RiverError {
  if (!(error instanceof RiverError)) return new RiverError('InternalError', String(error));
  return new RiverError(error.code, error.message, JSON.parse(JSON.stringify(error.details)));
}

/** What JSON would not carry as it is, with its place; undefined when there is nothing such. Missing fields may be `undefined`. */
function unserializable(value: unknown, place = 'message'): string | undefined {
  if (isPlain(value)) return undefined;
  if (typeof value === 'number') return `${place} is ${value}`;
  if (value === null || typeof value !== 'object') return `${place} is a ${typeof value}`;
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

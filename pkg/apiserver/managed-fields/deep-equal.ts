import { isMap } from './field-set.ts';

/** Equality of JSON values; a member that is undefined counts as absent. */
export function deepEqual(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((item, index) => deepEqual(item, b[index]));
  }
  if (!isMap(a) || !isMap(b)) return false;
  const present = (value: Record<string, unknown>) =>
    Object.keys(value).filter((key) => value[key] !== undefined);
  const keys = present(a);
  return keys.length === present(b).length && keys.every((key) => deepEqual(a[key], b[key]));
}

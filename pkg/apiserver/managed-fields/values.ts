import { deepEqual } from './deep-equal.ts';
import { type FieldPath, FieldSet, isMap } from './field-set.ts';
import { listItems } from './list-kinds.ts';

type Leaves = Map<string, { path: FieldPath; value: unknown }>;

/** Every field of a value: leaves (scalars, atomic lists, empty maps) with their values, and items of keyed lists. */
function leavesOf(value: unknown): Leaves {
  const leaves: Leaves = new Map();
  const add = (path: FieldPath, leaf: unknown) => leaves.set(path.join('\u0000'), { path, value: leaf });
  const walk = (current: unknown, path: FieldPath) => {
    if (isMap(current) && Object.keys(current).length > 0) {
      for (const [name, child] of Object.entries(current)) walk(child, [...path, `f:${name}`]);
      return;
    }
    const items = Array.isArray(current) ? listItems(path, current) : undefined;
    if (!items) {
      if (path.length > 0) add(path, current);
      return;
    }
    for (const item of items) {
      add([...path, item.element], undefined);
      if (isMap(item.value)) walk(item.value, [...path, item.element]);
    }
  };
  walk(value, []);
  return leaves;
}

export function fieldSetOf(value: unknown): FieldSet {
  return FieldSet.of([...leavesOf(value).values()].map((leaf) => leaf.path));
}

/** Which fields are new, have another value, or are gone. */
export function compareValues(before: unknown, after: unknown) {
  const old = leavesOf(before);
  const fresh = leavesOf(after);
  const changed = new FieldSet();
  const removed = new FieldSet();
  for (const [key, leaf] of fresh) {
    const previous = old.get(key);
    if (!previous || !deepEqual(previous.value, leaf.value)) changed.add(leaf.path);
  }
  for (const [key, leaf] of old) if (!fresh.has(key)) removed.add(leaf.path);
  return { changed, removed };
}

/** `config` laid over `live`: maps and keyed lists merge, all else is replaced. */
export function mergeValues(live: unknown, config: unknown, path: FieldPath = []): unknown {
  if (isMap(live) && isMap(config)) {
    const merged = { ...live };
    for (const [name, value] of Object.entries(config)) {
      merged[name] = mergeValues(live[name], value, [...path, `f:${name}`]);
    }
    return merged;
  }
  if (Array.isArray(live) && Array.isArray(config)) return mergeLists(live, config, path);
  return config;
}

function mergeLists(live: unknown[], config: unknown[], path: FieldPath): unknown[] {
  const ours = listItems(path, config);
  const theirs = listItems(path, live);
  if (!ours || !theirs) return config;
  const byElement = new Map(theirs.map((item) => [item.element, item.value]));
  for (const { element, value } of ours) {
    byElement.set(element, mergeValues(byElement.get(element), value, [...path, element]));
  }
  return [...byElement.values()];
}

/** Without the fields `gone`, except what is `kept` or holds it; maps and lists that become empty by it go too. */
export function removeFields(value: unknown, gone: FieldSet, kept: FieldSet): unknown {
  const walk = (current: unknown, path: FieldPath): unknown => {
    if (gone.has(path) && !kept.touches(path)) return undefined;
    if (!gone.touches(path)) return current;
    if (isMap(current)) {
      const entries = Object.entries(current).map(
        ([name, child]) => [name, walk(child, [...path, `f:${name}`])] as const,
      );
      const left = entries.filter(([, child]) => child !== undefined);
      return left.length > 0 || kept.has(path) ? Object.fromEntries(left) : undefined;
    }
    const items = Array.isArray(current) ? listItems(path, current) : undefined;
    if (!items) return current;
    const left = items
      .map((item) => walk(item.value, [...path, item.element]))
      .filter((item) => item !== undefined);
    return left.length > 0 || kept.has(path) ? left : undefined;
  };
  return walk(value, []) ?? {};
}

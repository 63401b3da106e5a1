import type { FieldPath } from './field-set.ts';
import { isMap } from './field-set.ts';

/** How a list merges. Every list that is not named here is atomic: it has one owner and is replaced whole. */
export type ListKind = { type: 'atomic' } | { type: 'set' } | { type: 'keyed'; key: string };

const special: Record<string, ListKind> = {
  'f:metadata/f:finalizers': { type: 'set' },
  'f:metadata/f:ownerReferences': { type: 'keyed', key: 'uid' },
  'f:status/f:conditions': { type: 'keyed', key: 'type' },
};

function listKind(path: FieldPath): ListKind {
  return special[path.join('/')] ?? { type: 'atomic' };
}

/** The path element of a list item; undefined for an item without its key, which makes the list atomic. */
function itemElement(kind: ListKind, item: unknown): string | undefined {
  if (kind.type === 'set') return `v:${JSON.stringify(item)}`;
  if (kind.type === 'keyed' && isMap(item) && item[kind.key] !== undefined) {
    return `k:${JSON.stringify({ [kind.key]: item[kind.key] })}`;
  }
  return undefined;
}

export interface ListItem {
  element: string;
  value: unknown;
}

/** Items with their elements, or undefined when the list is atomic. */
export function listItems(path: FieldPath, list: readonly unknown[]): ListItem[] | undefined {
  const kind = listKind(path);
  if (kind.type === 'atomic') return undefined;
  const items: ListItem[] = [];
  for (const value of list) {
    const element = itemElement(kind, value);
    if (element === undefined) return undefined;
    items.push({ element, value });
  }
  return items;
}

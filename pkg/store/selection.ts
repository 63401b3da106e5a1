import { type ApiObject, isTerminal, type Run } from '../api/index.ts';
import type { ListOptions } from './types.ts';

export type Selection = Pick<ListOptions, 'namespace' | 'labels' | 'ownerUid' | 'node' | 'active'>;

/** One thing that an object can be found by: `label:KEY`, `owner`, `node` or `active-node`, and its value. */
export interface Term {
  field: string;
  value: string;
}

/** All terms of an object: the rows of `lookup`. */
function termsOf(object: ApiObject): Term[] {
  const { labels = {}, ownerReferences = [] } = object.metadata;
  const terms: Term[] = Object.entries(labels).map(([key, value]) => ({ field: `label:${key}`, value }));
  // Twice the same owner is one row.
  for (const uid of new Set(ownerReferences.map((owner) => owner.uid)))
    terms.push({ field: 'owner', value: uid });
  return object.kind === 'Run' ? [...terms, ...nodeTerms(object)] : terms;
}

/** What has ended stays for days: a node's few others have a term of their own. */
function nodeTerms(object: ApiObject): Term[] {
  const { spec, status } = object as { spec?: Partial<Run['spec']>; status?: Run['status'] };
  const value = spec?.placement?.node;
  if (!value) return [];
  const node = { field: 'node', value };
  return isTerminal(status?.phase ?? 'Pending') ? [node] : [node, { field: 'active-node', value }];
}

/** The terms that an object must have, the most selective first as far as that can be known: it drives the query. */
export function termsWanted(selection: Selection): Term[] {
  const terms: Term[] = [];
  if (selection.ownerUid !== undefined) terms.push({ field: 'owner', value: selection.ownerUid });
  if (selection.node !== undefined)
    terms.push({ field: selection.active ? 'active-node' : 'node', value: selection.node });
  for (const [key, value] of Object.entries(selection.labels ?? {}))
    terms.push({ field: `label:${key}`, value });
  return terms;
}

export function hasTerms(object: ApiObject, wanted: Term[]): boolean {
  if (wanted.length === 0) return true;
  const present = termsOf(object);
  return wanted.every((term) =>
    present.some((each) => each.field === term.field && each.value === term.value),
  );
}

/** Rows of `lookup` that a change from `before` to `after` adds and removes. */
export function termChanges(
  before: ApiObject | undefined,
  after: ApiObject | undefined,
): { added: Term[]; removed: Term[] } {
  const old = before ? termsOf(before) : [];
  const now = after ? termsOf(after) : [];
  const missingIn = (terms: Term[]) => (term: Term) =>
    !terms.some((each) => each.field === term.field && each.value === term.value);
  return { added: now.filter(missingIn(old)), removed: old.filter(missingIn(now)) };
}

import type { Need } from '../need.ts';
import type { NodeShape } from '../node-shape.ts';

/** Ids of NUMA nodes. */
export type NumaIds = readonly number[];

/** Where a choice is limited to. */
export interface Mask {
  ids: NumaIds;
  /** Memory and cores must come from its one NUMA node, too; else it says where CPUs to pin and GPUs are. */
  confines: boolean;
}

/** So many NUMA nodes are combined; machines with more are given single ones, or all. */
const combinedLimit = 8;

/**
 * In which sets of NUMA nodes to look, the best first: those that confine, then fewer before more, near ones before far
 * ones. A target and `require` leave single nodes only; `prefer` refuses nothing, so its last set confines nobody.
 */
export function masksFor(need: Need, { numa }: NodeShape): Mask[] {
  const wanted = need.target?.numa;
  if (wanted !== undefined) return [{ ids: [wanted], confines: true }];
  const ids = numa.map(({ id }) => id);
  const confined = need.numa === 'none' ? [] : ids.map((id) => ({ ids: [id], confines: true }));
  if (need.numa === 'require') return confined;
  const open = ids.length <= 1 ? [ids] : openSets(numa, confined.length > 0 ? 2 : 1);
  return [...confined, ...open.map((each) => ({ ids: each, confines: false }))];
}

/** Of so many NUMA nodes at least. */
function openSets(numa: NodeShape['numa'], least: number): NumaIds[] {
  const ids = numa.map(({ id }) => id);
  if (ids.length > combinedLimit) return [...(least === 1 ? ids.map((id) => [id]) : []), ids];
  const distance = distances(numa);
  return subsets(ids)
    .filter((set) => set.length >= least)
    .map((set) => ({ set, spread: distance(set) }))
    .sort((left, right) => left.set.length - right.set.length || left.spread - right.spread)
    .map(({ set }) => set);
}

/** Whether a set need not be looked at any more once something was found in another one. */
export function isWorse(mask: Mask, found: Mask): boolean {
  return mask.ids.length > found.ids.length || (found.confines && !mask.confines);
}

function subsets(ids: NumaIds): NumaIds[] {
  return Array.from({ length: 2 ** ids.length - 1 }, (_, bits) =>
    ids.filter((_id, position) => ((bits + 1) >> position) & 1),
  );
}

/** Of a set: the sum of the distances between all of its nodes. */
function distances(numa: NodeShape['numa']): (set: NumaIds) => number {
  const position = new Map(numa.map(({ id }, index) => [id, index]));
  return (set) => {
    let sum = 0;
    for (const from of set)
      for (const to of set)
        sum += numa[position.get(from) ?? 0]?.distances[position.get(to) ?? 0] ?? (from === to ? 10 : 20);
    return sum;
  };
}

import type { Need } from '../need.ts';
import type { NodeShape } from '../node-shape.ts';

/** Ids of NUMA nodes that a choice is limited to. */
export type Mask = readonly number[];

/** So many NUMA nodes are combined; machines with more are given single ones, or all. */
const combinedLimit = 8;

/**
 * In which sets of NUMA nodes to look, the best first: fewer before more, near ones before far ones. A target and
 * `require` leave single nodes only.
 */
export function masksFor(need: Need, { numa }: NodeShape): Mask[] {
  const wanted = need.target?.numa;
  if (wanted !== undefined) return [[wanted]];
  const ids = numa.map(({ id }) => id);
  const singles = ids.map((id) => [id]);
  if (need.numa === 'require') return singles;
  if (ids.length <= 1) return [ids];
  if (ids.length > combinedLimit) return [...singles, ids];
  const distance = distances(numa);
  return subsets(ids)
    .map((mask) => ({ mask, spread: distance(mask) }))
    .sort((left, right) => left.mask.length - right.mask.length || left.spread - right.spread)
    .map(({ mask }) => mask);
}

function subsets(ids: readonly number[]): Mask[] {
  return Array.from({ length: 2 ** ids.length - 1 }, (_, bits) =>
    ids.filter((_id, position) => ((bits + 1) >> position) & 1),
  );
}

/** Of a mask: the sum of the distances between all of its nodes. */
function distances(numa: NodeShape['numa']): (mask: Mask) => number {
  const position = new Map(numa.map(({ id }, index) => [id, index]));
  return (mask) => {
    let sum = 0;
    for (const from of mask)
      for (const to of mask)
        sum += numa[position.get(from) ?? 0]?.distances[position.get(to) ?? 0] ?? (from === to ? 10 : 20);
    return sum;
  };
}

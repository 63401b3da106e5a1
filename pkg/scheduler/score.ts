import type { Node, PlacementPolicy } from '../api/index.ts';
import { allocatable, type Held, type Need, untolerated } from '../placement/index.ts';

/** A node with what is taken on it. */
export interface NodeLoad {
  node: Node;
  /** By everything bound there, and everything that is being bound. */
  held: Held;
}

/**
 * The best of the nodes, which come in the order of their names; ties go to the first of them. A taint that would
 * rather not have the Run counts more than any policy. `last`: where roundRobin has put its last one. `fits` costs far
 * more than to compare two nodes: only a node that would be better than all before it is asked about.
 */
export function choose(
  loads: readonly NodeLoad[],
  need: Need,
  policy: PlacementPolicy,
  last: string | undefined,
  fits: (index: number) => boolean,
): NodeLoad | undefined {
  const compare = comparisons[policy];
  const rank = (load: NodeLoad) => untolerated(load.node, 'PreferNoSchedule', need.tolerations).length;
  const hasTaints = loads.some(({ node }) => (node.spec?.taints?.length ?? 0) > 0);
  const isBetter = (load: NodeLoad, than: NodeLoad) => {
    const difference = hasTaints ? rank(load) - rank(than) : 0;
    return (difference || compare(load, than, need, last)) < 0;
  };
  let best: NodeLoad | undefined;
  for (const [index, load] of loads.entries())
    if ((!best || isBetter(load, best)) && fits(index)) best = load;
  return best;
}

type Comparison = (left: NodeLoad, right: NodeLoad, need: Need, last: string | undefined) => number;

const comparisons: Readonly<Record<PlacementPolicy, Comparison>> = {
  leastLoaded: (left, right, need) =>
    fullness(left, need) - fullness(right, need) || left.held.runs - right.held.runs,
  pack: (left, right, need) =>
    fullness(right, need) - fullness(left, need) || right.held.runs - left.held.runs,
  spread: (left, right, need) =>
    left.held.runs - right.held.runs || fullness(left, need) - fullness(right, need),
  // Those behind the last one come first.
  roundRobin: (left, right, _need, last = '') =>
    Number(nameOf(left.node) <= last) - Number(nameOf(right.node) <= last),
};

/** The fuller of cores and memory, and of GPUs where they are asked for: 0 to 1. */
function fullness({ node, held }: NodeLoad, need: Need): number {
  const total = allocatable(node);
  return Math.max(
    held.milliCores / Math.max(1, total.milliCores),
    held.memoryBytes / Math.max(1, total.memoryBytes),
    need.gpus ? gpuFullness(node, held) : 0,
  );
}

function gpuFullness(node: Node, held: Held): number {
  const gpus = node.status?.gpus ?? [];
  const taken = gpus.reduce((sum, { uuid, memory }) => {
    const { exclusive = 0, sharedBytes = 0 } = held.gpus.get(uuid) ?? {};
    return sum + (exclusive > 0 ? 1 : sharedBytes / Math.max(1, memory));
  }, 0);
  return taken / Math.max(1, gpus.length);
}

export function nameOf(node: Node): string {
  return node.metadata.name ?? '';
}

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
  const { first, second } = scores[policy];
  const hasTaints = loads.some(({ node }) => (node.spec?.taints?.length ?? 0) > 0);
  const taints = ({ node }: NodeLoad) =>
    hasTaints ? untolerated(node, 'PreferNoSchedule', need.tolerations).length : 0;
  let best: NodeLoad | undefined;
  // Of the best one, so that each node is scored once.
  let lowest = { taints: 0, first: 0, second: 0 };
  for (const [index, load] of loads.entries()) {
    const score = first(load, need, last);
    const rank = taints(load);
    const difference = rank - lowest.taints || score - lowest.first || second(load, need) - lowest.second;
    if ((best && difference >= 0) || !fits(index)) continue;
    best = load;
    lowest = { taints: rank, first: score, second: second(load, need) };
  }
  return best;
}

/** Less is better; `second` decides where `first` is the same. */
interface Score {
  first(load: NodeLoad, need: Need, last: string | undefined): number;
  second(load: NodeLoad, need: Need): number;
}

const runsOf = ({ held }: NodeLoad) => held.runs;

const scores: Readonly<Record<PlacementPolicy, Score>> = {
  leastLoaded: { first: fullness, second: runsOf },
  pack: { first: (load, need) => -fullness(load, need), second: (load) => -load.held.runs },
  spread: { first: runsOf, second: fullness },
  // Those behind the last one come first.
  roundRobin: { first: ({ node }, _need, last = '') => Number(nameOf(node) <= last), second: () => 0 },
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

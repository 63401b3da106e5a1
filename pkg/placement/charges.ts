import { isBound, type Placement, parseCores, parseQuantity, type Run } from '../api/index.ts';
import { parseCpuList } from '../topology/index.ts';
import type { Need } from './need.ts';

/** What one Run takes up. Integers: thousandths of a core, and bytes; sums of them stay exact. */
export interface Charge {
  milliCores: number;
  memoryBytes: number;
  /** CPUs that nobody else may be on. */
  pinnedCpus: readonly number[];
  /** The one NUMA node that it is confined to. */
  numaNode?: number;
  gpus: readonly { uuid: string /** A share of it; absent: all of it. */; memoryBytes?: number }[];
}

/** Everything that is taken on one node. Never changed in place. */
export interface Held {
  runs: number;
  milliCores: number;
  memoryBytes: number;
  /** How often each CPU is pinned: once, unless two caches disagree for a moment. */
  pinned: ReadonlyMap<number, number>;
  /** By NUMA node: what is confined to it. Cores of pinned Runs are in `pinned`. */
  numa: ReadonlyMap<number, { milliCores: number; memoryBytes: number }>;
  /** By UUID. */
  gpus: ReadonlyMap<string, { exclusive: number; sharedBytes: number }>;
}

/** What is chosen for a Run on a node, beside amounts: the placement without what it is bound to besides. */
export type Assignment = Pick<Placement, 'cpus' | 'pinned' | 'numaNodes' | 'gpus'>;

export const nothingHeld: Held = {
  runs: 0,
  milliCores: 0,
  memoryBytes: 0,
  pinned: new Map(),
  numa: new Map(),
  gpus: new Map(),
};

/**
 * Whether the Run takes up room on the node it is bound to: bound and not ended. A Lost one does, until its runner
 * has reported: it may still be running behind a cut network.
 */
export function isCharged(run: Run): boolean {
  return run.spec.placement !== undefined && isBound(run.status?.phase ?? 'Pending');
}

/** What the Run takes up where it is bound, whether it counts now (`isCharged`) or not. */
export function chargeOf(run: Run): Charge {
  const { cores = 0, memory = 0 } = run.spec.resources ?? {};
  return charge(parseCores(cores), parseQuantity(memory), run.spec.placement ?? {});
}

/** What a Run of this need takes up where this is chosen for it. */
export function chargeFor(need: Need, assignment: Assignment): Charge {
  return charge(need.milliCores, need.memoryBytes, assignment);
}

function charge(milliCores: number, memoryBytes: number, assignment: Assignment): Charge {
  const { cpus, pinned, numaNodes = [], gpus = [] } = assignment;
  return {
    milliCores,
    memoryBytes,
    pinnedCpus: pinned ? (parseCpuList(cpus ?? '') ?? []) : [],
    ...(numaNodes.length === 1 ? { numaNode: numaNodes[0] } : {}),
    gpus: gpus.map(({ uuid, memoryBytes: share }) => ({
      uuid,
      ...(share === undefined ? {} : { memoryBytes: share }),
    })),
  };
}

export function addCharge(held: Held, taken: Charge): Held {
  return changed(held, taken, 1);
}

export function subtractCharge(held: Held, taken: Charge): Held {
  return changed(held, taken, -1);
}

function changed(held: Held, taken: Charge, sign: 1 | -1): Held {
  return {
    runs: held.runs + sign,
    milliCores: held.milliCores + sign * taken.milliCores,
    memoryBytes: held.memoryBytes + sign * taken.memoryBytes,
    pinned: taken.pinnedCpus.length === 0 ? held.pinned : changedPins(held.pinned, taken.pinnedCpus, sign),
    numa: taken.numaNode === undefined ? held.numa : changedNuma(held.numa, taken, taken.numaNode, sign),
    gpus: taken.gpus.length === 0 ? held.gpus : changedGpus(held.gpus, taken.gpus, sign),
  };
}

function changedPins(pinned: Held['pinned'], cpus: readonly number[], sign: 1 | -1): Held['pinned'] {
  const next = new Map(pinned);
  for (const cpu of cpus) {
    const count = (next.get(cpu) ?? 0) + sign;
    if (count === 0) next.delete(cpu);
    else next.set(cpu, count);
  }
  return next;
}

function changedNuma(numa: Held['numa'], taken: Charge, id: number, sign: 1 | -1): Held['numa'] {
  const before = numa.get(id) ?? { milliCores: 0, memoryBytes: 0 };
  const shared = taken.pinnedCpus.length > 0 ? 0 : taken.milliCores;
  const after = {
    milliCores: before.milliCores + sign * shared,
    memoryBytes: before.memoryBytes + sign * taken.memoryBytes,
  };
  return new Map(numa).set(id, after);
}

function changedGpus(gpus: Held['gpus'], taken: Charge['gpus'], sign: 1 | -1): Held['gpus'] {
  const next = new Map(gpus);
  for (const { uuid, memoryBytes } of taken) {
    const { exclusive, sharedBytes } = next.get(uuid) ?? { exclusive: 0, sharedBytes: 0 };
    if (memoryBytes === undefined) next.set(uuid, { exclusive: exclusive + sign, sharedBytes });
    else next.set(uuid, { exclusive, sharedBytes: sharedBytes + sign * memoryBytes });
  }
  return next;
}

/** The parts of a Run that accounting looks at; every Run of `pkg/api` has this shape. */
export interface RunLike {
  spec: {
    target?: string;
    nodeSelector?: Record<string, string>;
    runtime: string;
    resources?: { cores?: number; memory?: number | string };
    placement?: { node: string };
  };
  status?: { phase: string; avoid?: readonly string[] };
}

/** Turns a quantity as users write it into bytes; `parseQuantity` of `pkg/api`, which this package may not import. */
export type ParseMemory = (quantity: number | string) => number;

/** Integers: thousandths of a core, and bytes. Sums of them stay exact. */
export interface Charge {
  milliCores: number;
  memoryBytes: number;
}

/** What a Run asks of a node. */
export interface Need extends Charge {
  runtime: string;
  nodeSelector: Readonly<Record<string, string>>;
  /** Only this node will do. */
  target?: string;
  /** Nodes whose runner has refused the Run. */
  avoid: readonly string[];
}

export const noCharge: Readonly<Charge> = { milliCores: 0, memoryBytes: 0 };

const chargedPhases: ReadonlySet<string> = new Set(['Scheduled', 'Preparing', 'Starting', 'Running', 'Lost']);

/**
 * Whether the Run takes up room on the node it is bound to: bound and not ended. A Lost one does, until its runner
 * has reported: it may still be running behind a cut network.
 */
export function isCharged(run: RunLike): boolean {
  return run.spec.placement !== undefined && chargedPhases.has(run.status?.phase ?? 'Pending');
}

/** What the Run takes up where it is bound, whether it counts now (`isCharged`) or not. */
export function chargeOf(run: RunLike, parseMemory: ParseMemory): Charge {
  const { cores = 0, memory = 0 } = run.spec.resources ?? {};
  return { milliCores: Math.round(cores * 1000), memoryBytes: memory === 0 ? 0 : parseMemory(memory) };
}

export function runNeed(run: RunLike, parseMemory: ParseMemory): Need {
  return {
    ...chargeOf(run, parseMemory),
    runtime: run.spec.runtime,
    nodeSelector: run.spec.nodeSelector ?? {},
    target: run.spec.target,
    avoid: run.status?.avoid ?? [],
  };
}

export function addCharge(sum: Readonly<Charge>, charge: Readonly<Charge>): Charge {
  return {
    milliCores: sum.milliCores + charge.milliCores,
    memoryBytes: sum.memoryBytes + charge.memoryBytes,
  };
}

export function subtractCharge(sum: Readonly<Charge>, charge: Readonly<Charge>): Charge {
  return {
    milliCores: sum.milliCores - charge.milliCores,
    memoryBytes: sum.memoryBytes - charge.memoryBytes,
  };
}

/** Sum of what the charged Runs of `runs` take up on `node`. */
export function chargesOn(node: string, runs: Iterable<RunLike>, parseMemory: ParseMemory): Charge {
  let sum: Charge = noCharge;
  for (const run of runs) {
    if (run.spec.placement?.node === node && isCharged(run)) sum = addCharge(sum, chargeOf(run, parseMemory));
  }
  return sum;
}

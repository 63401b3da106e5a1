import { isBound, parseCores, parseQuantity, type Run } from '../api/index.ts';

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
  return { milliCores: parseCores(cores), memoryBytes: parseQuantity(memory) };
}

export function runNeed(run: Run): Need {
  return {
    ...chargeOf(run),
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

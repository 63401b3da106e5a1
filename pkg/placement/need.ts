import {
  type GpuNeed,
  gpuNeed,
  parseCores,
  parseQuantity,
  parseTarget,
  type Run,
  type Target,
  type Toleration,
} from '../api/index.ts';

/** What a Run asks of a node. Two Runs with equal needs fit on the same nodes. */
export interface Need {
  /** Thousandths of a core, and bytes. */
  milliCores: number;
  memoryBytes: number;
  runtime: string;
  nodeSelector: Readonly<Record<string, string>>;
  /** Only there will do. */
  target?: Target;
  /** Nodes whose runner has refused the Run. */
  avoid: readonly string[];
  tolerations: readonly Toleration[];
  numa: 'none' | 'prefer' | 'require';
  /** The cores are whole CPUs of its own. */
  pin: boolean;
  gpus?: GpuNeed;
}

export function runNeed(run: Run): Need {
  const { resources = {}, target: written } = run.spec;
  const target = written === undefined ? undefined : parseTarget(written);
  const asked = gpuNeed(resources.gpus);
  const gpus = asked ?? (target?.gpus && { count: target.gpus.length });
  return {
    milliCores: parseCores(resources.cores ?? 0),
    memoryBytes: parseQuantity(resources.memory ?? 0),
    runtime: run.spec.runtime,
    nodeSelector: run.spec.nodeSelector ?? {},
    ...(target && { target }),
    avoid: run.status?.avoid ?? [],
    tolerations: run.spec.tolerations ?? [],
    numa: resources.numa ?? 'none',
    pin: resources.pin ?? false,
    ...(gpus && { gpus }),
  };
}

/** Whether it asks for nothing but amounts: no CPU, NUMA node or GPU has to be chosen for it. */
export function isPlain({ pin, numa, gpus, target }: Need): boolean {
  return !pin && numa === 'none' && gpus === undefined && target?.numa === undefined;
}

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

type Asking = Pick<Run['spec'], 'resources' | 'nodeSelector' | 'tolerations' | 'target'> & {
  runtime?: string;
};

export function runNeed({ spec, status }: Run): Need {
  return needOf(spec, status?.avoid);
}

/** Of a Run; or of a Task, with one of its targets. */
export function needOf(spec: Asking, avoid: readonly string[] = []): Need {
  const { resources = {}, target: written } = spec;
  const target = written === undefined ? undefined : parseTarget(written);
  const asked = gpuNeed(resources.gpus);
  const gpus = asked ?? (target?.gpus && { count: target.gpus.length });
  return {
    milliCores: parseCores(resources.cores ?? 0),
    memoryBytes: parseQuantity(resources.memory ?? 0),
    runtime: spec.runtime ?? '',
    nodeSelector: spec.nodeSelector ?? {},
    ...(target && { target }),
    avoid,
    tolerations: spec.tolerations ?? [],
    numa: resources.numa ?? 'none',
    pin: resources.pin ?? false,
    ...(gpus && { gpus }),
  };
}

/** Whether it asks for nothing but amounts: no CPU, NUMA node or GPU has to be chosen for it. */
export function isPlain({ pin, numa, gpus, target }: Need): boolean {
  return !pin && numa === 'none' && gpus === undefined && target?.numa === undefined;
}

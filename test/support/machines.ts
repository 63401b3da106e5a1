import {
  apiVersion,
  type Gpu,
  type Node,
  type NodeStatus,
  type NumaNode,
  type Placement,
  type Run,
  type RunSpec,
} from '../../pkg/api/index.ts';
import type { Need } from '../../pkg/placement/index.ts';
import { machineFiles, readerOf, type Shape } from '../../pkg/topology/fixtures/machine.ts';
import { TopologyReader } from '../../pkg/topology/index.ts';

export const gibibyte = 2 ** 30;

/** True, of a Node that is connected. */
export const ready = {
  type: 'Ready',
  status: 'True',
  reason: 'RunnerReady',
  message: '',
  lastTransitionTime: '2026-01-01T00:00:00.000Z',
} as const;

/** A Healthy one with 40Gi. */
export function gpu(index: number, uuid: string, more: Partial<Gpu> = {}): Gpu {
  return { index, uuid, model: 'NVIDIA A100', memory: 40 * gibibyte, health: 'Healthy', ...more };
}

/** A Node that is Ready, for plain processes; `status` says what it has. */
export function readyNode(name: string, status: NodeStatus = {}, more: Partial<Node> = {}): Node {
  const { metadata, ...rest } = more;
  return {
    apiVersion,
    kind: 'Node',
    metadata: { name, ...metadata },
    ...rest,
    status: { conditions: [ready], runtimes: ['process'], ...status },
  };
}

/** One whose runner has read the files of a machine of this shape. */
export async function nodeOfShape(
  name: string,
  shape: Shape,
  { gpus = [], reservedCores = 0 }: { gpus?: readonly Gpu[]; reservedCores?: number } = {},
): Promise<Node> {
  const reader = readerOf(machineFiles(shape));
  const run = async () => ({ stdout: '', stderr: '', end: 'missing' as const });
  const { cpus, numa, ...rest } = await new TopologyReader({
    ...{ reader, run, reservedCores },
    fixed: { gpus },
  }).read();
  const cores = shape.numa.reduce((sum, node) => sum + node.cpus.length, 0) - reservedCores;
  const memory = numa.reduce((sum, node) => sum + node.memory, 0);
  return readyNode(name, { allocatable: { cores, memory }, cpus, numa, gpus: rest.gpus });
}

/** By id from 0: nodes of these CPUs, each with so much memory. */
export function numaNodes(
  cpus: readonly string[],
  memory: number,
  distance: (from: number, to: number) => number = (from, to) => (from === to ? 10 : 20),
): NumaNode[] {
  return cpus.map((list, id) => ({
    ...{ id, cpus: list, memory },
    distances: cpus.map((_list, other) => distance(id, other)),
  }));
}

/** A core, in a process; no more than that. */
export function needOf(change: Partial<Need> = {}): Need {
  return {
    ...{ milliCores: 1000, memoryBytes: 0, runtime: 'process', nodeSelector: {}, avoid: [] },
    ...{ tolerations: [], numa: 'none', pin: false },
    ...change,
  };
}

/** What every Run has, of a Task that is called `task`. */
export function runSpec(task: string, more: Partial<RunSpec> = {}): RunSpec {
  return { task, revision: 1, ordinal: 0, attempt: 0, desired: 'Running', runtime: 'process', ...more };
}

/** `NAMESPACE/NAME`, of the Task whose name is NAME up to its first `-`. */
export function runOn(
  key: string,
  placement: Placement,
  { spec, status }: { spec?: Partial<Run['spec']>; status?: Partial<NonNullable<Run['status']>> } = {},
): Run {
  const [namespace = '', name = ''] = key.split('/');
  return {
    apiVersion,
    kind: 'Run',
    metadata: { name, namespace, uid: key },
    spec: runSpec(name.split('-')[0] ?? '', { placement, ...spec }),
    status: { phase: 'Running', ...status },
  };
}

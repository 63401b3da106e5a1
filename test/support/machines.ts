import {
  apiVersion,
  type Gpu,
  type Node,
  type NodeStatus,
  type Placement,
  type Run,
} from '../../pkg/api/index.ts';
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

/** `NAMESPACE/NAME`, of the Task whose name is NAME up to its first `-`. */
export function runOn(
  key: string,
  placement: Placement,
  { spec, status }: { spec?: Partial<Run['spec']>; status?: Partial<NonNullable<Run['status']>> } = {},
): Run {
  const [namespace = '', name = ''] = key.split('/');
  const identity = { revision: 1, ordinal: 0, attempt: 0, desired: 'Running' } as const;
  return {
    apiVersion,
    kind: 'Run',
    metadata: { name, namespace, uid: key },
    spec: { task: name.split('-')[0] ?? '', ...identity, runtime: 'process', placement, ...spec },
    status: { phase: 'Running', ...status },
  };
}

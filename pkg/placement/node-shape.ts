import type { Gpu, Node } from '../api/index.ts';
import { commonCpus, parseCpuList } from '../topology/index.ts';

/** What a Node says it has, with its lists read. */
export interface NodeShape {
  /** CPUs that Runs may be on. */
  cpus: readonly number[];
  /** Of these, by physical core. */
  cores: readonly (readonly number[])[];
  numa: readonly { id: number; cpus: readonly number[]; memoryBytes: number; distances: readonly number[] }[];
  /** By index. */
  gpus: readonly Gpu[];
}

/** Objects of the API never change: what was read of one of them stays true for as long as it is used. */
const shapes = new WeakMap<Node, NodeShape>();

export function shapeOf(node: Node): NodeShape {
  const known = shapes.get(node);
  if (known) return known;
  const shape = readShape(node);
  shapes.set(node, shape);
  return shape;
}

function readShape({ status = {} }: Node): NodeShape {
  const cpus = parseCpuList(status.cpus?.allocatable ?? '') ?? [];
  const allowed = new Set(cpus);
  const named = (status.cpus?.cores ?? []).map((core) => commonCpus(parseCpuList(core) ?? [], allowed));
  const known = new Set(named.flat());
  return {
    cpus,
    cores: [
      ...named.filter((core) => core.length > 0),
      ...cpus.filter((cpu) => !known.has(cpu)).map((cpu) => [cpu]),
    ],
    numa: (status.numa ?? []).map(({ id, cpus: list, memory, distances = [] }) => ({
      id,
      cpus: commonCpus(parseCpuList(list) ?? [], allowed),
      memoryBytes: memory,
      distances,
    })),
    gpus: [...(status.gpus ?? [])].sort((left, right) => left.index - right.index),
  };
}

/** The NUMA node that a GPU hangs on; undefined where that is not known. */
export function numaOfGpu(gpu: Gpu, { numa }: NodeShape): number | undefined {
  return gpu.numa ?? (numa.length === 1 ? numa[0]?.id : undefined);
}

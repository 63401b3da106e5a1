import type { Gpu } from '../../pkg/api/index.ts';
import type { Rng } from '../../pkg/base/index.ts';
import { formatCpuList, type Topology } from '../../pkg/topology/index.ts';
import { chance, pick } from './world.ts';

export const gibibyte = 2 ** 30;

/** What a simulated machine is made of; it never changes. */
export interface Shape {
  cores: number;
  memoryBytes: number;
  topology: Topology;
}

/** A machine that people can name in their manifests. */
export interface Site {
  name: string;
  shape: Shape;
}

interface Plan {
  numaNodes: number;
  /** CPUs and GiB of each NUMA node. */
  cpusEach: number;
  memoryEach: number;
  /** Two threads a core, numbered as Linux does: the second ones behind all first ones. */
  smt: boolean;
  gpus: readonly Card[];
}

interface Card {
  model: string;
  memory: number;
  /** Left out: the machine does not say. */
  numa?: number;
  /** It stands for so many instances of this profile. */
  mig?: { profile: string; instances: number };
}

const plain: Plan = { numaNodes: 1, cpusEach: 4, memoryEach: 8, smt: false, gpus: [] };
const t4 = { model: 'NVIDIA T4', memory: 16 };
const a100 = { model: 'NVIDIA A100-SXM4-40GB', memory: 40 };

const plans: readonly Plan[] = [
  { numaNodes: 1, cpusEach: 4, memoryEach: 8, smt: true, gpus: [t4, t4] },
  {
    numaNodes: 2,
    cpusEach: 4,
    memoryEach: 6,
    smt: true,
    gpus: [
      { ...a100, numa: 0 },
      { ...t4, numa: 1 },
      { ...a100, numa: 1 },
    ],
  },
  { numaNodes: 4, cpusEach: 2, memoryEach: 3, smt: false, gpus: [{ ...t4, numa: 3 }, t4] },
  {
    numaNodes: 2,
    cpusEach: 2,
    memoryEach: 4,
    smt: false,
    gpus: [
      { ...a100, numa: 1, mig: { profile: '1g.10gb', instances: 3 } },
      { ...a100, numa: 0 },
    ],
  },
];

export function plainShape(): Shape {
  return built(plain, '');
}

/** Half of all machines are plain ones. */
export function randomShape(rng: Rng, name: string): Shape {
  return built(chance(rng, 0.5) ? plain : pick(rng, plans), name);
}

function built({ numaNodes, cpusEach, memoryEach, smt, gpus }: Plan, name: string): Shape {
  const total = numaNodes * cpusEach;
  const cpus = Array.from({ length: total }, (_, cpu) => cpu);
  const half = total / 2;
  const numaOf = (cpu: number) => Math.floor(((smt ? cpu % half : cpu) * numaNodes) / (smt ? half : total));
  const list = formatCpuList(cpus);
  const cores = smt ? cpus.slice(0, half).map((cpu) => `${cpu},${cpu + half}`) : cpus.map(String);
  return {
    cores: total,
    memoryBytes: numaNodes * memoryEach * gibibyte,
    topology: {
      cpus: { online: list, allocatable: list, isolated: '', cores },
      numa: Array.from({ length: numaNodes }, (_, id) => ({
        id,
        cpus: formatCpuList(cpus.filter((cpu) => numaOf(cpu) === id)),
        memory: memoryEach * gibibyte,
        distances: Array.from({ length: numaNodes }, (_each, other) => 10 + 10 * Math.abs(id - other)),
      })),
      gpus: gpusOf(gpus, name),
      usage: [],
      problems: [],
    },
  };
}

function gpusOf(cards: readonly Card[], name: string): Gpu[] {
  const all = cards.flatMap(({ mig, ...card }, parentIndex): Omit<Gpu, 'index' | 'uuid' | 'health'>[] => {
    const { model, numa } = card;
    const place = numa === undefined ? {} : { numa };
    if (!mig) return [{ model, memory: card.memory * gibibyte, ...place }];
    const { profile, instances } = mig;
    const parent = { profile, parentIndex, parentUuid: `GPU-${name}-${parentIndex}` };
    const instance = { model: `${model} MIG ${profile}`, memory: 10 * gibibyte, ...place, mig: parent };
    return Array.from({ length: instances }, () => instance);
  });
  return all.map((gpu, index) => ({ index, uuid: `UUID-${name}-${index}`, ...gpu, health: 'Healthy' }));
}

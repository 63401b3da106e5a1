import { type Node, objectKey, type Run } from '../../api/index.ts';
import {
  addCharge,
  chargeOf,
  type Held,
  isCharged,
  nothingHeld,
  numaOfGpu,
  shapeOf,
} from '../../placement/index.ts';
import { commonCpus, parseCpuList, withoutCpus } from '../../topology/index.ts';
import { type GpuView, gpusOf } from './gpus.ts';

/** CPUs that are used in the same way. */
export interface CpuPart {
  cpus: readonly number[];
  /** reserved: not given out, kept for the machine or outside of the runner's cpuset. */
  use: 'pinned' | 'shared' | 'reserved';
  /** The kernel keeps everything off them that does not name them. */
  isolated: boolean;
  /** pinned: who has them; shared: who is confined to this NUMA node. */
  runs: readonly Run[];
}

/** A NUMA node, or what belongs to none. */
export interface Place {
  numa?: number;
  cpus: readonly number[];
  /** Physical cores that these are threads of. */
  cores: number;
  memory?: { bytes: number; freeBytes: number };
  /** By their first CPU. */
  parts: CpuPart[];
  gpus: GpuView[];
}

export interface Places {
  places: Place[];
  /** Runs that may be on any shared CPU, and what they are charged for. */
  anywhere: { runs: number; milliCores: number };
}

/** Who has what of a machine. `runs`: those of this node; what has ended holds nothing. */
export function placesOf(node: Node, runs: readonly Run[]): Places {
  const bound = runs.filter(isCharged);
  const held = bound.reduce<Held>((sum, run) => addCharge(sum, chargeOf(run)), nothingHeld);
  const shape = shapeOf(node);
  const online = parseCpuList(node.status?.cpus?.online ?? '') ?? [];
  const gpus = gpusOf([node], bound);
  const numa = (node.status?.numa ?? []).map(({ id, cpus, memory }): Place => {
    const own = parseCpuList(cpus) ?? [];
    const freeBytes = Math.max(0, memory - (held.numa.get(id)?.memoryBytes ?? 0));
    const confined = bound.filter(({ spec }) => spec.placement?.numaNodes?.includes(id));
    return {
      numa: id,
      memory: { bytes: memory, freeBytes },
      ...cpuPlace(node, own, bound, confined),
      gpus: gpus.filter((gpu) => numaOfGpu(gpu, shape) === id),
    };
  });
  const known = new Set(numa.map((place) => place.numa));
  const rest: Place = {
    ...cpuPlace(
      node,
      withoutCpus(
        online,
        numa.flatMap(({ cpus }) => cpus),
      ),
      bound,
      [],
    ),
    gpus: gpus.filter((gpu) => !known.has(numaOfGpu(gpu, shape))),
  };
  const isEmpty = rest.cpus.length === 0 && rest.gpus.length === 0;
  return { places: isEmpty ? numa : [...numa, rest], anywhere: chargedAnywhere(bound) };
}

function cpuPlace(
  { status }: Node,
  cpus: readonly number[],
  bound: readonly Run[],
  confined: readonly Run[],
): Pick<Place, 'cpus' | 'cores' | 'parts'> {
  const pins = bound
    .filter(({ spec }) => spec.placement?.pinned)
    .map((run) => ({ run, cpus: commonCpus(parseCpuList(run.spec.placement?.cpus ?? '') ?? [], cpus) }))
    .filter((pin) => pin.cpus.length > 0);
  const unpinned = withoutCpus(
    cpus,
    pins.flatMap((pin) => pin.cpus),
  );
  const allocatable = parseCpuList(status?.cpus?.allocatable ?? '') ?? [];
  const isolated = new Set(parseCpuList(status?.cpus?.isolated ?? ''));
  const shared = commonCpus(unpinned, allocatable);
  const sharing = confined.filter(({ spec }) => !spec.placement?.pinned).sort(byName);
  const part = (use: CpuPart['use'], own: readonly number[], runs: readonly Run[] = []): CpuPart[] =>
    [true, false].flatMap((isIsolated) => {
      const some = own.filter((cpu) => isolated.has(cpu) === isIsolated);
      return some.length > 0 ? [{ use, cpus: some, isolated: isIsolated, runs }] : [];
    });
  const parts = [
    ...part('reserved', withoutCpus(unpinned, allocatable)),
    ...pins.flatMap((pin) => part('pinned', pin.cpus, [pin.run])),
    ...part('shared', shared, sharing),
  ];
  const cores = (status?.cpus?.cores ?? []).filter(
    (core) => commonCpus(parseCpuList(core) ?? [], cpus).length > 0,
  );
  return { cpus, cores: cores.length, parts: parts.sort((left, right) => first(left) - first(right)) };
}

function chargedAnywhere(bound: readonly Run[]): Places['anywhere'] {
  const free = bound.filter(({ spec }) => !spec.placement?.pinned && !spec.placement?.numaNodes?.length);
  return { runs: free.length, milliCores: free.reduce((sum, run) => sum + chargeOf(run).milliCores, 0) };
}

function first({ cpus }: CpuPart): number {
  return cpus[0] ?? 0;
}

function byName(left: Run, right: Run): number {
  return objectKey(left.metadata) < objectKey(right.metadata) ? -1 : 1;
}

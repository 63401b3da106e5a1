import { type PlacedGpu, parseCores, parseQuantity, parseTarget, type Run } from '../../pkg/api/index.ts';
import { parseCpuList } from '../../pkg/topology/index.ts';
import type { Shape } from './shapes.ts';

/** What a Run was given on its node, as the binding says it. */
export interface Share {
  runName: string;
  node: string;
  milliCores: number;
  memoryBytes: number;
  cpus: readonly number[] | undefined;
  /** Nobody else is on its CPUs. */
  pinned: boolean;
  /** The one NUMA node that it is held to. */
  numa: number | undefined;
  gpus: readonly PlacedGpu[];
  /** Of its environment. */
  digest: string | undefined;
}

export function shareOf({ metadata, spec }: Run): Share | undefined {
  const { placement, resources = {} } = spec;
  if (!placement) return undefined;
  return {
    runName: metadata.name ?? '',
    node: placement.node,
    milliCores: parseCores(resources.cores ?? 0),
    memoryBytes: parseQuantity(resources.memory ?? 0),
    cpus: placement.cpus === undefined ? undefined : parseCpuList(placement.cpus),
    pinned: placement.pinned ?? false,
    numa: placement.numaNodes?.[0],
    gpus: placement.gpus ?? [],
    digest: placement.environment?.digest,
  };
}

/** What of a machine is given away more than once, or more than it has of; written without a look at the product. */
export function overcommitment(shape: Shape, shares: readonly Share[]): string | undefined {
  const milliCores = sumOf(shares, (share) => share.milliCores);
  if (milliCores > shape.cores * 1000) return `${milliCores} of ${shape.cores * 1000} milli-cores`;
  const bytes = sumOf(shares, (share) => share.memoryBytes);
  if (bytes > shape.memoryBytes) return `${bytes} of ${shape.memoryBytes} bytes`;
  return twice(pins(shares)) ?? fullNuma(shape, shares) ?? fullGpu(shape, shares);
}

function sumOf<T>(items: readonly T[], amount: (item: T) => number): number {
  return items.reduce((sum, item) => sum + amount(item), 0);
}

/** Each pinned CPU, with who has it. */
function pins(shares: readonly Share[]): [string, string][] {
  return shares.flatMap(({ pinned, cpus = [], runName }) =>
    pinned ? cpus.map((cpu): [string, string] => [`CPU ${cpu}`, runName]) : [],
  );
}

function twice(holders: readonly [string, string][]): string | undefined {
  const seen = new Map<string, string>();
  for (const [what, who] of holders) {
    const other = seen.get(what);
    if (other !== undefined) return `${what} twice, for ${other} and ${who}`;
    seen.set(what, who);
  }
  return undefined;
}

function fullNuma({ topology }: Shape, shares: readonly Share[]): string | undefined {
  const pinned = new Set(shares.flatMap((share) => (share.pinned ? (share.cpus ?? []) : [])));
  for (const { id, cpus, memory } of topology.numa) {
    const inside = shares.filter((share) => share.numa === id);
    const bytes = sumOf(inside, (share) => share.memoryBytes);
    if (bytes > memory) return `${bytes} of ${memory} bytes of NUMA node ${id}`;
    const left = (parseCpuList(cpus) ?? []).filter((cpu) => !pinned.has(cpu)).length * 1000;
    const milliCores = sumOf(inside, (share) => (share.pinned ? 0 : share.milliCores));
    if (milliCores > left) return `${milliCores} of ${left} milli-cores that are left of NUMA node ${id}`;
  }
  return undefined;
}

function fullGpu({ topology }: Shape, shares: readonly Share[]): string | undefined {
  for (const { uuid, memory } of topology.gpus) {
    const holders = shares.flatMap(({ runName, gpus }) =>
      gpus.filter((gpu) => gpu.uuid === uuid).map((gpu) => ({ runName, bytes: gpu.memoryBytes })),
    );
    const isAlone = holders.some(({ bytes }) => bytes === undefined);
    const names = holders.map(({ runName }) => runName).join(' and ');
    if (isAlone && holders.length > 1) return `${uuid} twice, for ${names}`;
    const bytes = sumOf(holders, (holder) => holder.bytes ?? 0);
    if (bytes > memory) return `${bytes} of ${memory} bytes of ${uuid}, for ${names}`;
  }
  return undefined;
}

/** In what a binding is not what its Run has asked for; undefined when it is. */
export function notAsAsked(run: Run, share: Share, { topology }: Shape): string | undefined {
  const { resources = {}, target: written } = run.spec;
  const target = written === undefined ? undefined : parseTarget(written);
  const asked = typeof resources.gpus === 'number' ? { count: resources.gpus } : resources.gpus;
  const count = target?.gpus?.length ?? (asked ? (asked.count ?? 1) : 0);
  if (target && target.node !== share.node) return `it is on ${share.node} and not on its target ${written}`;
  if (share.pinned !== (resources.pin ?? false)) return `pinned is ${share.pinned}`;
  if (share.pinned && (share.cpus?.length ?? 0) * 1000 !== share.milliCores)
    return `it has the CPUs ${share.cpus} for itself`;
  if (target?.numa !== undefined && share.numa !== target.numa) return `it is on NUMA node ${share.numa}`;
  if (resources.numa === 'require' && share.numa === undefined) return 'it is held to no NUMA node';
  if (share.gpus.length !== count) return `it has ${share.gpus.length} GPUs`;
  if (target?.gpus && String(share.gpus.map(({ index }) => index)) !== String(target.gpus))
    return 'it has other GPUs than those of its target';
  const inside = topology.numa.find(({ id }) => id === share.numa);
  const allowed = new Set(parseCpuList(inside?.cpus ?? topology.cpus.allocatable));
  if (share.cpus?.some((cpu) => !allowed.has(cpu))) return `it may not be on all of the CPUs ${share.cpus}`;
  for (const { uuid, memoryBytes } of share.gpus) {
    const gpu = topology.gpus.find((each) => each.uuid === uuid);
    if (!gpu) return `${share.node} has no GPU ${uuid}`;
    if (asked?.model && !gpu.model.toLowerCase().includes(asked.model.toLowerCase()))
      return `it has a ${gpu.model}`;
    if (gpu.memory < parseQuantity(asked?.memory ?? 0)) return `its GPU has ${gpu.memory} bytes`;
    if (memoryBytes !== (asked?.shared ? parseQuantity(asked.memory ?? 0) : undefined))
      return `it has ${memoryBytes} bytes of a GPU`;
    if (share.numa !== undefined && topology.numa.length > 1 && gpu.numa !== share.numa)
      return `its GPU ${uuid} hangs on another NUMA node`;
  }
  return undefined;
}

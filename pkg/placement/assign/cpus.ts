import type { Held } from '../charges.ts';
import type { NodeShape } from '../node-shape.ts';
import type { NumaIds } from './masks.ts';

/** CPUs of this NUMA node that nobody has pinned. */
function unpinned(shape: NodeShape, held: Held, id: number): number[] {
  const cpus = shape.numa.find((each) => each.id === id)?.cpus ?? [];
  return cpus.filter((cpu) => !held.pinned.has(cpu));
}

/** CPUs of no NUMA node that is known, which nobody has pinned. */
function unpinnedElsewhere(shape: NodeShape, held: Held): number[] {
  const known = new Set(shape.numa.flatMap(({ cpus }) => cpus));
  return shape.cpus.filter((cpu) => !known.has(cpu) && !held.pinned.has(cpu));
}

/** Whole CPUs that unpinned work may be using, at the worst. */
const wholeCpus = (milliCores: number) => Math.ceil(Math.max(0, milliCores) / 1000);

/** How many CPUs can be pinned beside what unpinned work was promised, wherever that is. */
function spare(shape: NodeShape, held: Held): number {
  const shared = wholeCpus(held.milliCores - held.pinned.size * 1000);
  return Math.max(0, shape.cpus.length - held.pinned.size - shared);
}

/** How many CPUs can still be pinned: of one NUMA node, or of the whole machine. */
export function pinnable(shape: NodeShape, held: Held, id?: number): number {
  const mask = id === undefined ? undefined : [id];
  return Math.min(spare(shape, held), candidates(shape, held, mask).length);
}

/** CPUs in the mask that can be pinned, those that work confined to each NUMA node was promised left out. */
function candidates(shape: NodeShape, held: Held, mask: NumaIds | undefined): number[] {
  const inside = (mask ?? shape.numa.map(({ id }) => id)).flatMap((id) => {
    const free = unpinned(shape, held, id);
    const kept = wholeCpus(held.numa.get(id)?.milliCores ?? 0);
    return byCore(shape, free).slice(0, Math.max(0, free.length - kept));
  });
  return mask ? inside : [...inside, ...unpinnedElsewhere(shape, held)];
}

/** So many CPUs to pin, whole physical cores first; undefined when there are not enough. `mask` undefined: anywhere. */
export function pickCpus(
  shape: NodeShape,
  held: Held,
  mask: NumaIds | undefined,
  count: number,
): number[] | undefined {
  if (count > spare(shape, held)) return undefined;
  const free = candidates(shape, held, mask);
  if (free.length < count) return undefined;
  return byCore(shape, free, count)
    .slice(0, count)
    .sort((left, right) => left - right);
}

/**
 * The CPUs in the order in which they are given: cores that are free as a whole; of the last, broken one rather what
 * is left of a core that is broken already.
 */
function byCore(shape: NodeShape, free: readonly number[], count = free.length): number[] {
  const set = new Set(free);
  const cores = shape.cores.map((core) => ({ free: core.filter((cpu) => set.has(cpu)), size: core.length }));
  const whole = cores
    .filter((core) => core.free.length === core.size && core.size > 0)
    .map((core) => core.free);
  const broken = cores
    .filter((core) => core.free.length > 0 && core.free.length < core.size)
    .map((core) => core.free);
  const order: number[] = [];
  const left = [...whole];
  while (left.length > 0 && order.length + (left[0]?.length ?? 0) <= count)
    order.push(...(left.shift() ?? []));
  return [...order, ...broken.flat(), ...left.flat()];
}

/** Thousandths of a core that work confined to this NUMA node may still be promised. */
export function sharedMilliCores(shape: NodeShape, held: Held, id: number): number {
  const free = unpinned(shape, held, id).length * 1000;
  return Math.max(0, free - (held.numa.get(id)?.milliCores ?? 0));
}

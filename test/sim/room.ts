import {
  type Gpu,
  isConditionTrue,
  type Node,
  parseCores,
  parseQuantity,
  parseTarget,
  type Run,
  type Taint,
  type Target,
} from '../../pkg/api/index.ts';
import { parseCpuList, type Topology } from '../../pkg/topology/index.ts';
import type { Shape } from './shapes.ts';
import type { Share } from './shares.ts';

/** A machine as it is now, its Node, and what is given away of it. */
export interface Offer {
  shape: Shape;
  topology: Topology;
  node: Node;
  shares: readonly Share[];
}

/** Something that may keep a Run from a node: by what sentence it is told, and whether it is so. */
export interface Obstacle {
  says: RegExp;
  isTrue: boolean;
  /** What the sentence has to hold besides. */
  amount?: string;
}

const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0);
const cpusOf = (list: string) => parseCpuList(list) ?? [];
const wholeCpus = (milliCores: number) => Math.ceil(milliCores / 1000);

/** Stands for every sentence about what a NUMA node lacks. */
export const notTogether = 'not in one NUMA node';

/** Whether everything that the Run needs is free there now. */
export function hasRoom(run: Run, offer: Offer): boolean {
  return obstacles(run, offer).every(({ isTrue }) => !isTrue);
}

/** Written from the design, without a look at how the product finds what is in the way. */
export function obstacles(run: Run, offer: Offer): Obstacle[] {
  const { node, shape } = offer;
  const { name = '' } = node.metadata;
  const target = targetOf(run);
  return [
    { says: /^not Ready/, isTrue: !isConditionTrue(node.status?.conditions, 'Ready') },
    { says: /^unschedulable|^drained/, isTrue: Boolean(node.spec?.unschedulable || node.spec?.drain) },
    { says: /^its runner has refused/, isTrue: run.status?.avoid?.includes(name) ?? false },
    {
      says: /taint \S+ is not tolerated/,
      isTrue: (node.spec?.taints ?? []).some((taint) => repels(taint, run)),
    },
    ...amounts(run, offer),
    ...(target?.gpus ?? []).flatMap((index) => namedGpu(index, run, offer)),
    ...(target?.gpus ? [] : someGpus(run, offer)),
    {
      says: /has no NUMA node/,
      isTrue: target?.numa !== undefined && !shape.topology.numa.some(({ id }) => id === target.numa),
    },
    { says: new RegExp(notTogether), isTrue: !isTogether(run, offer) },
  ];
}

function targetOf({ spec }: Run): Target | undefined {
  return spec.target === undefined ? undefined : parseTarget(spec.target);
}

/** Whether it keeps the Run away. */
export function repels(taint: Taint, { spec }: Run): boolean {
  const isMeant = ({ key, operator, value, effect }: NonNullable<Run['spec']['tolerations']>[number]) =>
    (effect === undefined || effect === taint.effect) &&
    (key === undefined || key === taint.key) &&
    (operator === 'Exists' || (value ?? '') === (taint.value ?? ''));
  return taint.effect === 'NoSchedule' && !spec.tolerations?.some(isMeant);
}

function amounts(run: Run, offer: Offer): Obstacle[] {
  const { shape, shares } = offer;
  const { milliCores, bytes, pin } = needOf(run);
  const freeCores = shape.cores * 1000 - sum(shares.map((share) => share.milliCores));
  const freeBytes = shape.memoryBytes - sum(shares.map((share) => share.memoryBytes));
  const pinnable = pinnableOf(offer);
  return [
    {
      says: /cores free, needs|has \S+ cores, needs/,
      isTrue: milliCores > 0 && milliCores > freeCores,
      ...(milliCores <= shape.cores * 1000 && { amount: `${freeCores / 1000} of ${shape.cores} cores` }),
    },
    { says: /memory free, needs|has \S+ memory, needs/, isTrue: bytes > 0 && bytes > freeBytes },
    {
      says: /CPUs can be pinned|CPUs to pin/,
      isTrue: pin && milliCores > pinnable * 1000,
      ...(milliCores <= shape.cores * 1000 && { amount: `${pinnable} of ${shape.cores} CPUs` }),
    },
  ];
}

function needOf({ spec }: Run) {
  const { cores, memory, pin = false } = spec.resources ?? {};
  return { milliCores: parseCores(cores ?? 0), bytes: parseQuantity(memory ?? 0), pin };
}

const pinnedCpus = (shares: readonly Share[]) =>
  new Set(shares.flatMap(({ pinned, cpus = [] }) => (pinned ? cpus : [])));

const unpinnedMilliCores = (shares: readonly Share[]) =>
  sum(shares.map((share) => (share.pinned ? 0 : share.milliCores)));

function pinnableOf(offer: Offer): number {
  const { shape, shares } = offer;
  const { numa } = shape.topology;
  const spare = shape.cores - pinnedCpus(shares).size - wholeCpus(unpinnedMilliCores(shares));
  const free = sum(numa.map(({ id }) => Math.max(0, pinnableWithin(offer, id))));
  return Math.max(0, numa.length === 0 ? spare : Math.min(spare, free));
}

function gpuNeed({ spec }: Run) {
  const { gpus } = spec.resources ?? {};
  const asked = typeof gpus === 'number' ? { count: gpus } : gpus;
  const count = targetOf({ spec } as Run)?.gpus?.length ?? (asked ? (asked.count ?? 1) : 0);
  return {
    count,
    model: asked?.model?.toLowerCase(),
    bytes: parseQuantity(asked?.memory ?? 0),
    shared: asked?.shared,
  };
}

function isOfKind({ model, memory }: Gpu, run: Run): boolean {
  const need = gpuNeed(run);
  return model.toLowerCase().includes(need.model ?? '') && memory >= need.bytes;
}

function isFree({ uuid, memory }: Gpu, run: Run, { shares }: Offer): boolean {
  const holders = shares.flatMap(({ gpus }) => gpus.filter((gpu) => gpu.uuid === uuid));
  const { shared, bytes } = gpuNeed(run);
  if (!shared) return holders.length === 0;
  const taken = sum(holders.map(({ memoryBytes = memory }) => memoryBytes));
  return taken + bytes <= memory;
}

/** What matches the need and is well. */
function goodGpus(run: Run, { topology }: Offer): Gpu[] {
  const { gpus } = targetOf(run) ?? {};
  return topology.gpus.filter(
    (gpu) => gpu.health === 'Healthy' && isOfKind(gpu, run) && (gpus?.includes(gpu.index) ?? true),
  );
}

function someGpus(run: Run, offer: Offer): Obstacle[] {
  const { count } = gpuNeed(run);
  const good = goodGpus(run, offer);
  const free = good.filter((gpu) => isFree(gpu, run, offer)).length;
  return [
    { says: /has (no|\d+) GPU/, isTrue: good.length < count },
    {
      says: /\d+ of \d+ GPU/,
      isTrue: good.length >= count && free < count,
      amount: `${free} of ${good.length} GPU`,
    },
  ];
}

function namedGpu(index: number, run: Run, offer: Offer): Obstacle[] {
  const gpu = offer.topology.gpus.find((each) => each.index === index);
  const isWell = gpu?.health === 'Healthy';
  const isMeant = isWell && isOfKind(gpu, run);
  return [
    { says: new RegExp(`has no GPU( ${index}\\b|$)`), isTrue: gpu === undefined },
    { says: new RegExp(`GPU ${index} is unhealthy`), isTrue: gpu?.health === 'Unhealthy' },
    { says: new RegExp(`GPU ${index} is .* with .*, needs`), isTrue: isWell && !isMeant },
    { says: new RegExp(`GPU ${index} is taken`), isTrue: isMeant && !isFree(gpu, run, offer) },
  ];
}

/** CPUs, memory and GPUs in one NUMA node, where that is asked for; else anywhere on the machine. */
function isTogether(run: Run, offer: Offer): boolean {
  const { numa } = offer.shape.topology;
  const target = targetOf(run)?.numa;
  if (target !== undefined) return isWithin(run, offer, target);
  if (run.spec.resources?.numa !== 'require') return true;
  return numa.some(({ id }) => isWithin(run, offer, id));
}

function freeGpus(run: Run, offer: Offer): Gpu[] {
  return goodGpus(run, offer).filter((gpu) => isFree(gpu, run, offer));
}

function within({ shape, shares }: Offer, id: number) {
  const pinned = pinnedCpus(shares);
  const place = shape.topology.numa.find((each) => each.id === id);
  const held = shares.filter((share) => share.numa === id);
  return {
    freeCpus: cpusOf(place?.cpus ?? '').filter((cpu) => !pinned.has(cpu)).length,
    promised: unpinnedMilliCores(held),
    freeBytes: (place?.memory ?? 0) - sum(held.map((share) => share.memoryBytes)),
  };
}

function pinnableWithin(offer: Offer, id: number): number {
  const { freeCpus, promised } = within(offer, id);
  return freeCpus - wholeCpus(promised);
}

function isWithin(run: Run, offer: Offer, id: number): boolean {
  const { milliCores, bytes, pin } = needOf(run);
  const { freeCpus, promised, freeBytes } = within(offer, id);
  const isOnly = offer.shape.topology.numa.length === 1;
  const gpus = freeGpus(run, offer).filter(({ numa }) => (numa === undefined ? isOnly : numa === id));
  if (bytes > freeBytes || gpus.length < gpuNeed(run).count) return false;
  if (pin) return milliCores <= Math.min(pinnableOf(offer), pinnableWithin(offer, id)) * 1000;
  return milliCores === 0 || milliCores <= Math.max(0, freeCpus * 1000 - promised);
}

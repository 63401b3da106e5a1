import { formatBytes, type Gpu, type GpuNeed, type PlacedGpu } from '../../api/index.ts';
import { formatCpuList } from '../../topology/index.ts';
import type { Held } from '../charges.ts';
import type { Need } from '../need.ts';
import { type NodeShape, numaOfGpu } from '../node-shape.ts';
import type { Refusal } from '../refusal.ts';
import type { NumaIds } from './masks.ts';

const freeGpu = { exclusive: 0, sharedBytes: 0 };

/** Whether a Run may be given this GPU beside those that have it. */
function isFree(gpu: Gpu, need: GpuNeed, held: Held): boolean {
  const { exclusive, sharedBytes } = held.gpus.get(gpu.uuid) ?? freeGpu;
  if (exclusive > 0) return false;
  return need.shared ? sharedBytes + (need.memoryBytes ?? 0) <= gpu.memory : sharedBytes === 0;
}

/** Whether it is what is asked for, whoever has it. */
function matches({ health, model, memory }: Gpu, need: GpuNeed): boolean {
  const isModel = need.model === undefined || model.toLowerCase().includes(need.model);
  return health === 'Healthy' && isModel && memory >= (need.memoryBytes ?? 0);
}

/** GPUs in the mask for the need; undefined when there are not enough. `mask` undefined: anywhere. */
export function pickGpus(
  { gpus: need, target }: Need,
  shape: NodeShape,
  held: Held,
  mask: NumaIds | undefined,
): PlacedGpu[] | undefined {
  if (!need) return [];
  const wanted = target?.gpus;
  const inMask = (gpu: Gpu) => {
    const numa = numaOfGpu(gpu, shape);
    return mask === undefined || (numa !== undefined && mask.includes(numa));
  };
  const free = shape.gpus.filter(
    (gpu) =>
      (wanted === undefined || wanted.includes(gpu.index)) &&
      inMask(gpu) &&
      matches(gpu, need) &&
      isFree(gpu, need, held),
  );
  if (free.length < need.count) return undefined;
  return inOrder(free, need, held)
    .slice(0, need.count)
    .map((gpu) => placed(gpu, need));
}

/** Those that are shared most already first, so that whole ones stay free; then by index. */
function inOrder(gpus: readonly Gpu[], need: GpuNeed, held: Held): Gpu[] {
  if (!need.shared) return [...gpus];
  const shared = (gpu: Gpu) => held.gpus.get(gpu.uuid)?.sharedBytes ?? 0;
  return [...gpus].sort((left, right) => shared(right) - shared(left) || left.index - right.index);
}

function placed({ index, uuid }: Gpu, { shared, memoryBytes }: GpuNeed): PlacedGpu {
  return { index, uuid, ...(shared && memoryBytes !== undefined ? { memoryBytes } : {}) };
}

/** How many of what is asked for the machine has, whoever has them now. */
export function matchingGpus({ gpus: need }: Need, shape: NodeShape): number {
  return need ? shape.gpus.filter((gpu) => matches(gpu, need)).length : 0;
}

/** Why the whole machine cannot give the GPUs now; none when it can. */
export function gpuRefusals(need: Need, shape: NodeShape, held: Held): Refusal[] {
  if (!need.gpus) return [];
  if (shape.gpus.length === 0) return [{ code: 'Gpus', reason: 'has no GPU' }];
  if (need.target?.gpus) return targetRefusals(need.target.gpus, need.gpus, shape, held);
  const { count } = need.gpus;
  const matching = shape.gpus.filter((gpu) => matches(gpu, need.gpus as GpuNeed));
  const what = described(need.gpus);
  if (matching.length < count) {
    const has =
      matching.length === 0
        ? `has no ${what} (has ${inventory(shape.gpus)})`
        : `has ${matching.length} ${what}`;
    return [{ code: 'Gpus', reason: `${has}, needs ${count}` }];
  }
  const free = matching.filter((gpu) => isFree(gpu, need.gpus as GpuNeed, held)).length;
  if (free >= count) return [];
  return [{ code: 'Gpus', reason: `${free} of ${matching.length} ${what} free, needs ${count}` }];
}

function targetRefusals(indices: readonly number[], need: GpuNeed, shape: NodeShape, held: Held): Refusal[] {
  return indices.flatMap((index): Refusal[] => {
    const gpu = shape.gpus.find((each) => each.index === index);
    if (!gpu) {
      const has = formatCpuList(shape.gpus.map((each) => each.index));
      return [{ code: 'Gpus', reason: `has no GPU ${index}; it has ${has}` }];
    }
    if (gpu.health !== 'Healthy')
      return [
        {
          code: 'Gpus',
          reason: `GPU ${index} is unhealthy${gpu.healthMessage ? `: ${gpu.healthMessage}` : ''}`,
        },
      ];
    if (!matches(gpu, need))
      return [
        {
          code: 'Gpus',
          reason: `GPU ${index} is ${gpu.model} with ${formatBytes(gpu.memory)}, needs ${described(need)}`,
        },
      ];
    return isFree(gpu, need, held) ? [] : [{ code: 'Gpus', reason: `GPU ${index} is taken` }];
  });
}

function described({ model, memoryBytes, shared }: GpuNeed): string {
  const amount =
    memoryBytes === undefined ? '' : ` with ${formatBytes(memoryBytes)}${shared ? ' to share' : ''}`;
  return `GPU${model === undefined ? '' : ` of model ${model}`}${amount}`;
}

function inventory(gpus: readonly Gpu[]): string {
  const counts = new Map<string, number>();
  for (const { model, health } of gpus) {
    const name = health === 'Healthy' ? model : `${model} (unhealthy)`;
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return [...counts].map(([model, count]) => `${count} ${model}`).join(', ');
}

import type { Resources } from '../types.gen.ts';
import { parseQuantity } from './quantity.ts';

/** What a Run asks of each of its GPUs. */
export interface GpuNeed {
  count: number;
  /** Part of the model's name, in lower case. */
  model?: string;
  /** What each has at least; with `shared`, what is charged of each. */
  memoryBytes?: number;
  shared?: boolean;
}

/** Undefined for none. Raises `Invalid` for a quantity that is none. */
export function gpuNeed(gpus: Resources['gpus']): GpuNeed | undefined {
  if (gpus === undefined || gpus === 0) return undefined;
  if (typeof gpus === 'number') return { count: gpus };
  const { count = 1, model, memory, shared } = gpus;
  return {
    count,
    ...(model === undefined ? {} : { model: model.toLowerCase() }),
    ...(memory === undefined ? {} : { memoryBytes: parseQuantity(memory) }),
    ...(shared ? { shared } : {}),
  };
}

import type { Gpu } from '../api/index.ts';
import type { FoundGpu } from './gpus.ts';

/**
 * The GPUs with their indexes. What people and placements have written as an index must not move under them: a GPU
 * keeps its own while this program runs, and one that is not shown any more stays in the list, Unhealthy.
 */
export class GpuList {
  #known: Gpu[] = [];

  update(found: readonly FoundGpu[]): Gpu[] {
    const shown = new Map(found.map((gpu) => [gpu.uuid, gpu]));
    const kept = this.#known
      .filter((gpu) => shown.has(gpu.uuid) || !isReplaced(gpu, found))
      .map((gpu): Gpu => {
        const now = shown.get(gpu.uuid);
        return now ? { index: gpu.index, ...now } : lost(gpu);
      });
    const taken = new Set(kept.map(({ index }) => index));
    const known = new Set(kept.map(({ uuid }) => uuid));
    for (const gpu of found) {
      if (known.has(gpu.uuid)) continue;
      let index = 0;
      while (taken.has(index)) index += 1;
      taken.add(index);
      known.add(gpu.uuid);
      kept.push({ index, ...gpu });
    }
    this.#known = kept.sort((left, right) => left.index - right.index);
    return this.#known;
  }
}

/** A GPU whose MIG mode or instances somebody has changed is not lost: what is there now has taken its place. */
function isReplaced(gpu: Gpu, found: readonly FoundGpu[]): boolean {
  const parent = gpu.mig?.parentUuid ?? gpu.uuid;
  return found.some((other) => (other.mig?.parentUuid ?? other.uuid) === parent);
}

function lost(gpu: Gpu): Gpu {
  return {
    ...gpu,
    health: 'Unhealthy',
    healthMessage: 'nvidia-smi does not show it any more: it may have fallen off the bus.',
  };
}

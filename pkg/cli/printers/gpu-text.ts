import { formatBytes } from '../../api/index.ts';
import type { GpuView } from '../machines/gpus.ts';

/** Runs that have it, or a share of it. */
export function gpuHolders({ health, heldBy }: GpuView): string[] {
  const holders = heldBy.map(
    ({ namespace, name, memoryBytes }) =>
      `${namespace}/${name}${memoryBytes === undefined ? '' : ` (${formatBytes(memoryBytes)} of it)`}`,
  );
  return holders.length > 0 ? holders : [health === 'Healthy' ? 'free' : '<none>'];
}

export function gpuHealth({ health, healthMessage }: GpuView): string {
  return healthMessage ? `${health}: ${healthMessage}` : health;
}

/** Its memory, and how busy it is: as in `3Gi/40Gi 37%`, or `40Gi` when nobody knows more. */
export function gpuLoad({ memory, usage }: GpuView): string {
  const used = usage?.memoryUsed === undefined ? '' : `${formatBytes(usage.memoryUsed)}/`;
  const busy = usage?.utilization === undefined ? '' : ` ${Math.round(usage.utilization)}%`;
  return `${used}${formatBytes(memory)}${busy}`;
}

import { formatBytes } from '../../api/index.ts';
import type { GpuView } from '../machines/gpus.ts';

/** Runs that have it, or a share of it. */
export function gpuHolders({ health, heldBy }: GpuView): string {
  const holders = heldBy.map(
    ({ namespace, name, memoryBytes }) =>
      `${namespace}/${name}${memoryBytes === undefined ? '' : ` (${formatBytes(memoryBytes)} of it)`}`,
  );
  return holders.join(', ') || (health === 'Healthy' ? 'free' : '<none>');
}

export function gpuHealth({ health, healthMessage }: GpuView): string {
  return healthMessage ? `${health}: ${healthMessage}` : health;
}

/** How much of its memory is used, and how busy it is; empty when nobody knows. */
export function gpuLoad({ usage }: GpuView): string {
  const parts = [
    ...(usage?.memoryUsed === undefined ? [] : [`${formatBytes(usage.memoryUsed)} used`]),
    ...(usage?.utilization === undefined ? [] : [`${Math.round(usage.utilization)}% busy`]),
  ];
  return parts.join(', ');
}

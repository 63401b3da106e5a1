import { formatBytes, type Run } from '../../api/index.ts';

/** Whether it was given CPUs, NUMA nodes or GPUs of its node, not just an amount. */
export function isBound({ spec }: Run): boolean {
  const { cpus, numaNodes, gpus } = spec.placement ?? {};
  return cpus !== undefined || (numaNodes?.length ?? 0) > 0 || (gpus?.length ?? 0) > 0;
}

/** What the kernel and the engine really let it have, as in `CPUs 2-3, NUMA nodes 0, 2 cores`; undefined until that is known. */
export function heldTo({ status }: Run): string | undefined {
  const { cpus, memoryNodes, cores, memory, gpus } = status?.observed ?? {};
  const parts = [
    cpus && `CPUs ${cpus}`,
    memoryNodes && `NUMA nodes ${memoryNodes}`,
    cores !== undefined && `${cores} cores`,
    memory !== undefined && `${formatBytes(memory)} memory`,
    gpus && gpus.length > 0 && `GPUs ${gpus.join(' ')}`,
  ];
  return parts.filter(Boolean).join(', ') || undefined;
}

import { readKernelFile } from './files.ts';

/** Pids of the children that a process with one thread has; none when it has ended, or the kernel does not tell. */
export function childrenOf(pid: number): number[] {
  return readKernelFile(`/proc/${pid}/task/${pid}/children`)
    .split(' ')
    .map(Number)
    .filter((child) => child > 0);
}

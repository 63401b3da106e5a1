import { readFileSync } from 'node:fs';

/** Pids of the children that a process with one thread has; none when it has ended, or the kernel does not tell. */
export function childrenOf(pid: number): number[] {
  try {
    const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8');
    return text
      .split(' ')
      .map(Number)
      .filter((child) => child > 0);
  } catch {
    return [];
  }
}

import { basename } from 'node:path';
import type { Execution } from '../index.ts';
import { childrenOf, readKernelFile as read, readObserved } from '../kernel/index.ts';
import type { Container } from './state.ts';

/** What the program of a container may use; nothing where the engine is of another machine. */
export function observedOf({ id, pid, gpus }: Container): Pick<Execution, 'observed'> {
  if (pid === 0 || !read(`/proc/${pid}/cgroup`).includes(id)) return {};
  const observed = readObserved(programOf(pid));
  return observed ? { observed: { ...observed, ...(gpus.length > 0 ? { gpus } : {}) } } : {};
}

/** The engine's init has the program as its first child. */
function programOf(pid: number): number {
  const [program = ''] = read(`/proc/${pid}/cmdline`).split('\0');
  return basename(program) === 'docker-init' ? (childrenOf(pid)[0] ?? pid) : pid;
}

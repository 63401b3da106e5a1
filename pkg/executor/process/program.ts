import type { Execution } from '../index.ts';
import { childrenOf, gpusOf, readKernelFile, readObserved } from '../kernel/index.ts';

/** What the program of a run may use; nothing before the child of its wrapper has become the program. */
export function observedOf(wrapper: number, folder: string): Pick<Execution, 'observed'> {
  const pid = childrenOf(wrapper).find((child) => isProgram(child, folder));
  const observed = pid === undefined ? undefined : readObserved(pid);
  return pid !== undefined && observed ? { observed: { ...observed, ...gpusOf(pid) } } : {};
}

/** Before that it is a copy of the wrapper, which has the folder as an argument, then what binds it (binding.ts). */
function isProgram(pid: number, folder: string): boolean {
  const [program = '', first = '', ...rest] = readKernelFile(`/proc/${pid}/cmdline`).split('\0');
  if (program === '' || rest.includes(folder)) return false;
  return !(/^\/.*\/(taskset|numactl)$/.test(program) && /^--(cpu-list$|membind=)/.test(first));
}

import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import type { StartError } from '../records/index.ts';
import type { Held } from './cpuset.ts';

/**
 * The programs that bind a plain process, to be put before its own: taskset for CPUs, numactl for memory. A run that
 * was promised CPUs or memory and cannot be held to them is refused: it would disturb others without a word.
 */
export async function bindingArguments(
  { cpus, memoryNodes }: Held,
  path: string,
): Promise<{ argv: string[] } | { startError: StartError }> {
  const argv: string[] = [];
  if (cpus !== undefined) {
    const taskset = await find('taskset', path);
    if (taskset === undefined) return refused('taskset', 'util-linux', `CPUs ${cpus}`);
    argv.push(taskset, '--cpu-list', cpus);
  }
  if (memoryNodes !== undefined) {
    const numactl = await find('numactl', path);
    if (numactl === undefined) return refused('numactl', 'numactl', `memory of NUMA nodes ${memoryNodes}`);
    argv.push(numactl, `--membind=${memoryNodes}`, '--');
  }
  return { argv };
}

function refused(program: string, from: string, what: string): { startError: StartError } {
  const message = `The node cannot bind a plain process to ${what}: it has no ${program}. Install the package ${from} there, or use another runtime.`;
  return { startError: { reason: 'BindingUnavailable', message } };
}

async function find(program: string, path: string): Promise<string | undefined> {
  for (const folder of path.split(delimiter)) {
    if (!folder.startsWith('/')) continue;
    const file = join(folder, program);
    const usable = await access(file, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (usable) return file;
  }
  return undefined;
}

import { join } from 'node:path';
import type { LiveUsage } from '../index.ts';
import { readKernelFile } from './files.ts';

/** A control group in one hierarchy; of version 2 there is only one. */
export interface GroupFolder {
  version: 1 | 2;
  path: string;
}

/** Where figures are read; left out: nowhere. On machines with both versions that is not the same for all. */
export interface GroupFolders {
  memory?: GroupFolder;
  cpu?: GroupFolder;
}

/** What everything in the group uses. Of a group that is gone, nothing is known. */
export function groupUsage({ memory, cpu }: GroupFolders): LiveUsage {
  const cpuSeconds = cpu && groupCpuSeconds(cpu);
  const memoryUsed = memory && groupMemory(memory);
  return {
    ...(cpuSeconds === undefined ? {} : { cpuSeconds }),
    ...(memoryUsed === undefined ? {} : { memoryUsed }),
  };
}

/** Since the group was made; what has ended in it counts. */
export function groupCpuSeconds({ version, path }: GroupFolder): number | undefined {
  const seconds =
    version === 1
      ? number(read(path, 'cpuacct.usage')) / 1e9
      : number(/^usage_usec (\d+)$/m.exec(read(path, 'cpu.stat'))?.[1]) / 1e6;
  return Number.isNaN(seconds) ? undefined : seconds;
}

/** As `docker stats` and kubectl count: without the file cache that the kernel would drop first. */
function groupMemory({ version, path }: GroupFolder): number | undefined {
  const all = number(read(path, version === 1 ? 'memory.usage_in_bytes' : 'memory.current'));
  if (Number.isNaN(all)) return undefined;
  const idle = version === 1 ? /^total_inactive_file (\d+)$/m : /^inactive_file (\d+)$/m;
  return Math.max(0, all - (number(idle.exec(read(path, 'memory.stat'))?.[1]) || 0));
}

/** The most memory that it had at once; undefined where the kernel does not say. */
export function groupMemoryPeak({ version, path }: GroupFolder): number | undefined {
  const peak = number(read(path, version === 1 ? 'memory.max_usage_in_bytes' : 'memory.peak'));
  return Number.isNaN(peak) ? undefined : peak;
}

/** How often the kernel has ended something of it, or below it, for want of memory. Version 1 counts that in each group alone. */
export function groupOomKills({ version, path }: GroupFolder): number {
  const text = read(path, version === 1 ? 'memory.oom_control' : 'memory.events');
  return Number(/^oom_kill (\d+)$/m.exec(text)?.[1] ?? 0);
}

function read(folder: string, file: string): string {
  return readKernelFile(join(folder, file));
}

function number(text: string | undefined): number {
  return text === undefined || text.trim() === '' ? Number.NaN : Number(text);
}

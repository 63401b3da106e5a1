import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LiveUsage } from './types.ts';

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

/** By uid, without those of which nothing is known. */
export function usageOf(
  runUids: readonly string[],
  look: (runUid: string) => LiveUsage | undefined,
): Map<string, LiveUsage> {
  const found = new Map<string, LiveUsage>();
  for (const runUid of runUids) {
    const usage = look(runUid) ?? {};
    if (Object.keys(usage).length > 0) found.set(runUid, usage);
  }
  return found;
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

/** Synchronous: files of the kernel wait for no disk, and a node with hundreds of runs has three for each. */
function read(folder: string, file: string): string {
  try {
    return readFileSync(join(folder, file), 'utf8');
  } catch {
    return '';
  }
}

function number(text: string | undefined): number {
  return text === undefined || text.trim() === '' ? Number.NaN : Number(text);
}

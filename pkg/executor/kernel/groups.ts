import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { readKernelFile } from './files.ts';

/** A control group that a process is in: in the hierarchy of these controllers; of version 2 there are none. */
export interface Membership {
  controllers: string[];
  /** From the root of the hierarchy. */
  path: string;
}

/** What `/proc/PID/cgroup` says; nothing when it has ended. */
export function groupsOf(pid: number, proc = '/proc'): Membership[] {
  const lines = readKernelFile(join(proc, String(pid), 'cgroup')).split('\n');
  return lines.flatMap((line) => {
    const [, controllers = '', path] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? [];
    return path === undefined ? [] : [{ controllers: controllers.split(',').filter(Boolean), path }];
  });
}

/** In the group itself. */
export function pidsIn(folder: string): number[] {
  return readKernelFile(join(folder, 'cgroup.procs'))
    .split('\n')
    .map(Number)
    .filter((pid) => pid > 0);
}

/** A group and those that programs have made below it, the deepest first. */
export async function groupTree(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const below = await Promise.all(
    entries.filter((entry) => entry.isDirectory()).map((entry) => groupTree(join(folder, entry.name))),
  );
  return [...below.flat(), folder];
}

/** Everything in a group and below it; undefined when there is no such group. */
export async function pidsBelow(folder: string): Promise<number[] | undefined> {
  if (!existsSync(folder)) return undefined;
  return (await groupTree(folder)).flatMap(pidsIn);
}

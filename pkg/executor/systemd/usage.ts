import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { GroupFolder, GroupFolders } from '../index.ts';

const root = '/sys/fs/cgroup';

/**
 * Where the figures of a service are, as `/proc/PID/cgroup` of one of its processes says: only in a group that is the
 * service's own. Where a hierarchy is not systemd's, that of everything stands there. On a machine with both versions
 * systemd counts CPU time in the second one, and memory in the first.
 */
export function usageFolders(cgroups: string, unit: string, unified = join(root, 'unified')): GroupFolders {
  const found: GroupFolders = {};
  let all: GroupFolder | undefined;
  for (const line of cgroups.split('\n')) {
    const [, controllers = '', path = ''] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? [];
    const group = groupOf(path, unit);
    if (group === undefined) continue;
    const names = controllers.split(',');
    if (controllers === '') all = { version: 2, path: join(existsSync(unified) ? unified : root, group) };
    if (names.includes('memory')) found.memory = { version: 1, path: join(root, 'memory', group) };
    if (names.includes('cpuacct')) found.cpu = { version: 1, path: join(root, controllers, group) };
  }
  return all ? { memory: all, cpu: all, ...found } : found;
}

/** The program may have made groups of its own below that of its service. */
function groupOf(path: string, unit: string): string | undefined {
  const parts = path.split('/');
  const position = parts.indexOf(unit);
  return position < 0 ? undefined : parts.slice(0, position + 1).join('/');
}

export function cgroupsOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cgroup`, 'utf8');
  } catch {
    return '';
  }
}

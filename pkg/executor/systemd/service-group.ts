import { existsSync } from 'node:fs';
import { join } from 'node:path';
import {
  type GroupFolder,
  type GroupFolders,
  groupsOf,
  type Membership,
  pidsBelow,
} from '../kernel/index.ts';

const root = '/sys/fs/cgroup';

/**
 * Where the figures of a service are, as `/proc/PID/cgroup` of one of its processes says: only in a group that is the
 * service's own. Where a hierarchy is not systemd's, that of everything stands there. On a machine with both versions
 * systemd counts CPU time in the second one, and memory in the first.
 */
export function usageFolders(
  groups: readonly Membership[],
  unit: string,
  unified = join(root, 'unified'),
): GroupFolders {
  const found: GroupFolders = {};
  let all: GroupFolder | undefined;
  for (const { controllers, path } of groups) {
    const group = groupOf(path, unit);
    if (group === undefined) continue;
    if (controllers.length === 0)
      all = { version: 2, path: join(existsSync(unified) ? unified : root, group) };
    if (controllers.includes('memory')) found.memory = { version: 1, path: join(root, 'memory', group) };
    if (controllers.includes('cpuacct'))
      found.cpu = { version: 1, path: join(root, controllers.join(','), group) };
  }
  return all ? { memory: all, cpu: all, ...found } : found;
}

/** The program may have made groups of its own below that of its service. */
function groupOf(path: string, unit: string): string | undefined {
  const parts = path.split('/');
  const position = parts.indexOf(unit);
  return position < 0 ? undefined : parts.slice(0, position + 1).join('/');
}

/** Where systemd keeps what belongs to the service: in version 2, or in a hierarchy of its own beside version 1. */
export function memberFolders(groups: readonly Membership[], unit: string): string[] {
  return groups.flatMap(({ controllers, path }) => {
    const group = groupOf(path, unit);
    if (group === undefined) return [];
    if (controllers.includes('name=systemd')) return [join(root, 'systemd', group)];
    return controllers.length === 0 ? [join(root, group), join(root, 'unified', group)] : [];
  });
}

/** Everything that is in the control group of a service or below it: `pid`, one of its processes, too. */
export async function serviceMembers(pid: number, unit: string): Promise<number[]> {
  const found = await Promise.all(memberFolders(groupsOf(pid), unit).map(pidsBelow));
  return [...new Set([pid, ...found.flatMap((pids) => pids ?? [])])];
}

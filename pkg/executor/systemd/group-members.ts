import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

const root = '/sys/fs/cgroup';

/** Of a process, where systemd keeps it: version 2, or the hierarchy that systemd has for itself beside version 1. */
export function groupFiles(cgroups: string): string[] {
  return cgroups.split('\n').flatMap((line) => {
    const [, controllers, path] = /^\d+:([^:]*):(\/.+)$/.exec(line) ?? [];
    if (path === undefined) return [];
    if (controllers === 'name=systemd') return [join(root, 'systemd', path, 'cgroup.procs')];
    return controllers === ''
      ? [join(root, path, 'cgroup.procs'), join(root, 'unified', path, 'cgroup.procs')]
      : [];
  });
}

/** Everything that is in the control group of a process, itself included; none when it has ended meanwhile. */
export async function groupMembers(pid: number): Promise<number[]> {
  const cgroups = await readFile(`/proc/${pid}/cgroup`, 'utf8').catch(() => '');
  const lists = await Promise.all(groupFiles(cgroups).map((file) => readFile(file, 'utf8').catch(() => '')));
  return [...new Set([pid, ...lists.flatMap((list) => list.split('\n')).map(Number)])].filter(
    (each) => each > 0,
  );
}

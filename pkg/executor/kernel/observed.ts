import { closeSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import type { Observed } from '../../api/index.ts';
import { commonCpus, formatCpuList, parseCpuList } from '../../topology/index.ts';
import { readKernelFile as read } from './files.ts';
import { groupsOf } from './groups.ts';

export interface Roots {
  proc: string;
  cgroup: string;
}

const machine: Roots = { proc: '/proc', cgroup: '/sys/fs/cgroup' };

/**
 * What a process may use; undefined when it has ended. Synchronous: all of it is made up by the kernel in memory, in
 * microseconds.
 */
export function readObserved(pid: number, roots: Roots = machine): Observed | undefined {
  const status = read(join(roots.proc, String(pid), 'status'));
  const cpus = /^Cpus_allowed_list:\s*(\S+)$/m.exec(status)?.[1];
  if (cpus === undefined || /^State:\s*[ZX]/m.test(status)) return undefined;
  const allowed = /^Mems_allowed_list:\s*(\S+)$/m.exec(status)?.[1];
  return {
    cpus,
    ...(allowed === undefined ? {} : { memoryNodes: withinPolicy(allowed, pid, roots) }),
    ...limitsOf(pid, roots),
  };
}

/** A memory policy (numactl, NUMAPolicy of systemd) stands in no other place. Its first lines are enough, and all are costly. */
function withinPolicy(allowed: string, pid: number, { proc }: Roots): string {
  const bound = /^[0-9a-f]+ bind(?:=[^:]*)?:(\S+)/.exec(beginning(join(proc, String(pid), 'numa_maps')))?.[1];
  if (bound === undefined) return allowed;
  return formatCpuList(commonCpus(parseCpuList(bound) ?? [], parseCpuList(allowed) ?? []));
}

function beginning(path: string): string {
  const buffer = Buffer.alloc(256);
  try {
    const file = openSync(path, 'r');
    try {
      return buffer.toString('utf8', 0, readSync(file, buffer));
    } finally {
      closeSync(file);
    }
  } catch {
    return '';
  }
}

/** Of its own control group; what a group above allows may be less. */
function limitsOf(pid: number, { proc, cgroup }: Roots): Pick<Observed, 'cores' | 'memory'> {
  const groups = groupsOf(pid, proc);
  const group = (controller: string) =>
    groups.find(({ controllers }) => controllers.includes(controller))?.path;
  const v2 = join(cgroup, groups.find(({ controllers }) => controllers.length === 0)?.path ?? '');
  const [quota, period] = read(join(v2, 'cpu.max')).split(' ').map(Number);
  const cores = ratio(quota, period) ?? coresOfVersion1(cgroup, group('cpu'));
  const memory = positive(read(join(v2, 'memory.max'))) ?? memoryOfVersion1(cgroup, group('memory'));
  return { ...(cores === undefined ? {} : { cores }), ...(memory === undefined ? {} : { memory }) };
}

function coresOfVersion1(root: string, group: string | undefined): number | undefined {
  if (group === undefined) return undefined;
  const file = (name: string) => Number(read(join(root, 'cpu', group, name)));
  return ratio(file('cpu.cfs_quota_us'), file('cpu.cfs_period_us'));
}

/** Version 1 says "no limit" as the highest number of whole pages. */
const noLimit = 2 ** 62;

function memoryOfVersion1(root: string, group: string | undefined): number | undefined {
  if (group === undefined) return undefined;
  const limit = positive(read(join(root, 'memory', group, 'memory.limit_in_bytes')));
  return limit !== undefined && limit < noLimit ? limit : undefined;
}

function ratio(quota: number | undefined, period: number | undefined): number | undefined {
  if (!quota || !period || !(quota > 0) || !(period > 0)) return undefined;
  return Math.round((quota / period) * 1000) / 1000;
}

/** "max" is none. */
function positive(text: string): number | undefined {
  const number = Number.parseInt(text, 10);
  return number > 0 ? number : undefined;
}

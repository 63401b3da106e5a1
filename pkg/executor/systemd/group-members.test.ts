import { expect, test } from 'vitest';
import { groupFiles } from './group-members.ts';

test('where systemd keeps a process: beside version 1, in version 2, and in both', () => {
  const path = '/system.slice/river-1.service';
  expect(groupFiles(`4:memory:${path}\n1:name=systemd:${path}\n`)).toEqual([
    `/sys/fs/cgroup/systemd${path}/cgroup.procs`,
  ]);
  expect(groupFiles(`0::${path}\n`)).toEqual([
    `/sys/fs/cgroup${path}/cgroup.procs`,
    `/sys/fs/cgroup/unified${path}/cgroup.procs`,
  ]);
  // Everything on the machine is in the root group.
  expect(groupFiles('0::/\n')).toEqual([]);
});

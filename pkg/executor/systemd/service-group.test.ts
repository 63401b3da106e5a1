import { expect, test } from 'vitest';
import { memberFolders, usageFolders } from './service-group.ts';

const unit = 'river-1.service';
const memberships = (lines: string[]) =>
  lines.map((line) => {
    const [, controllers = '', path = ''] = line.split(':');
    return { controllers: controllers.split(',').filter(Boolean), path };
  });
const folders = (lines: string[]) => usageFolders(memberships(lines), unit, '/nowhere');
const own = `/system.slice/${unit}`;
const version1 = (controller: string) => ({ version: 1, path: `/sys/fs/cgroup/${controller}${own}` });
const version2 = { version: 2, path: `/sys/fs/cgroup${own}` };

test('version 2: one folder, also when the program has made groups below it', () => {
  const found = { memory: version2, cpu: version2 };
  expect(folders([`0::${own}`])).toEqual(found);
  expect(folders([`0::${own}/mine/deeper`])).toEqual(found);
});

test('both versions: each figure where systemd has it', () => {
  const lines = [`9:memory:${own}`, '4:cpu,cpuacct:/', `1:name=systemd:${own}`, `0::${own}`];
  expect(folders(lines)).toEqual({ memory: version1('memory'), cpu: version2 });
  expect(folders([...lines, `5:cpuacct,cpu:${own}`])).toMatchObject({ cpu: version1('cpuacct,cpu') });
});

test('a group that others are in is not that of the service', () => {
  expect(folders(['9:memory:/', '4:cpu,cpuacct:/system.slice', `1:name=systemd:${own}`])).toEqual({});
  expect(folders([`0::/system.slice/not-${unit}`])).toEqual({});
});

test('what belongs to it: beside version 1, in version 2, and in both; below its group too', () => {
  const members = (lines: string[]) => memberFolders(memberships(lines), unit);
  expect(members([`4:memory:${own}`, `1:name=systemd:${own}/mine`])).toEqual([
    `/sys/fs/cgroup/systemd${own}`,
  ]);
  expect(members([`0::${own}/mine`])).toEqual([`/sys/fs/cgroup${own}`, `/sys/fs/cgroup/unified${own}`]);
  // Everything on the machine is in the root group.
  expect(members(['0::/'])).toEqual([]);
});

import { expect, test } from 'vitest';
import { usageFolders } from './usage.ts';

const unit = 'river-1.service';
const folders = (lines: string[]) => usageFolders(lines.join('\n'), unit, '/nowhere');
const own = `/system.slice/${unit}`;
const version1 = (controller: string) => ({ version: 1, path: `/sys/fs/cgroup/${controller}${own}` });
const version2 = { version: 2, path: `/sys/fs/cgroup${own}` };

test('version 2: one folder, also when the program has made groups below it', () => {
  const found = { memory: version2, cpu: version2 };
  expect(folders([`0::${own}`, ''])).toEqual(found);
  expect(folders([`0::${own}/mine/deeper`, ''])).toEqual(found);
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

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { groupsOf, groupTree, pidsBelow, pidsIn } from './groups.ts';

const folder = mkdtempSync(join(tmpdir(), 'river-groups-'));
afterAll(() => rmSync(folder, { recursive: true }));

function write(path: string, text: string): void {
  mkdirSync(join(folder, path, '..'), { recursive: true });
  writeFileSync(join(folder, path), text);
}

test('where a process is, in each hierarchy', () => {
  write('7/cgroup', '9:cpu,cpuacct:/a/b\n1:name=systemd:/s:1\n0::/\n');
  expect(groupsOf(7, folder)).toEqual([
    { controllers: ['cpu', 'cpuacct'], path: '/a/b' },
    { controllers: ['name=systemd'], path: '/s:1' },
    { controllers: [], path: '/' },
  ]);
  expect(groupsOf(8, folder)).toEqual([]);
});

test('what is in a group, and in those that programs have made below it', async () => {
  write('group/cgroup.procs', '1\n2\n');
  write('group/mine/deeper/cgroup.procs', '3\n');
  const group = join(folder, 'group');
  expect([pidsIn(group), await pidsBelow(group)]).toEqual([
    [1, 2],
    [3, 1, 2],
  ]);
  expect(await groupTree(group)).toEqual([join(group, 'mine/deeper'), join(group, 'mine'), group]);
  const gone = join(folder, 'gone');
  expect([pidsIn(gone), await pidsBelow(gone)]).toEqual([[], undefined]);
});

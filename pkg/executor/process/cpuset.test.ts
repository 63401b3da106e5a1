import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openCgroups } from './cgroup.ts';
import { hasCpusets, makeCpuset, moveByCpuset } from './cpuset.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'river-cpuset-'));
});
afterEach(() => rmSync(root, { recursive: true }));

function files(texts: Record<string, string>): void {
  for (const [path, text] of Object.entries(texts)) {
    mkdirSync(join(root, path, '..'), { recursive: true });
    writeFileSync(join(root, path), text);
  }
}
const text = (path: string) => readFileSync(join(root, path), 'utf8');
const members = async () => [];

/** Files alone, where the real ones are the kernel's: which are written, and with what. */
const version1 = {
  'memory/memory.limit_in_bytes': '9223372036854771712\n',
  ...{ 'cpuset/cpuset.cpus': '0-7\n', 'cpuset/cpuset.mems': '0-1\n' },
};

test('version 2: the group of the run is held, and a move writes it anew', async () => {
  files({ 'cgroup.controllers': 'cpuset cpu io memory pids\n' });
  const kind = await openCgroups(root, 'river-c');
  expect([kind.version, hasCpusets(kind)]).toEqual([2, true]);
  expect(text('river-c/cgroup.subtree_control')).toBe('+cpuset');
  expect(await moveByCpuset(kind, 'u', '0', members)).toBe(false);
  expect(await makeCpuset(kind, 'u', { cpus: '2-3', memoryNodes: '1' })).toEqual([]);
  expect([text('river-c/u/cpuset.cpus'), text('river-c/u/cpuset.mems')]).toEqual(['2-3', '1']);
  expect(await moveByCpuset(kind, 'u', '0-1', members)).toBe(true);
  expect([text('river-c/u/cpuset.cpus'), text('river-c/u/cpuset.mems')]).toEqual(['0-1', '1']);
});

test('version 2 without the controller: nobody is held by it', async () => {
  files({ 'cgroup.controllers': 'cpu memory\n' });
  const kind = await openCgroups(root, 'river-c');
  expect([kind.version, hasCpusets(kind)]).toEqual([2, false]);
  expect(await moveByCpuset(kind, 'u', '0', members)).toBe(false);
});

test('version 1: what is not said is all that there is, also what came later', async () => {
  files(version1);
  const kind = await openCgroups(root, 'river-c');
  expect(text('cpuset/river-c/cpuset.cpus')).toBe('0-7');
  files({ 'cpuset/cpuset.effective_cpus': '0-15\n' });
  const joined = await makeCpuset(kind, 'u', { memoryNodes: '1' });
  expect(joined).toEqual([join(root, 'cpuset/river-c/u/tasks')]);
  expect([text('cpuset/river-c/u/cpuset.cpus'), text('cpuset/river-c/u/cpuset.mems')]).toEqual(['0-15', '1']);
});

test('version 1: a move keeps its memory, and takes those along that are not in the group yet', async () => {
  files({ ...version1, 'cpuset/river-c/u/cpuset.mems': '1\n', 'cpuset/river-c/u/cgroup.procs': '7\n' });
  const kind = await openCgroups(root, 'river-c');
  const looks = [[7, 8], [8]];
  expect(await moveByCpuset(kind, 'u', '4-5', async () => looks.shift() ?? [])).toBe(true);
  expect([text('cpuset/river-c/u/cpuset.cpus'), text('cpuset/river-c/u/cpuset.mems')]).toEqual([
    '4-5',
    '1\n',
  ]);
  expect(text('cpuset/river-c/u/cgroup.procs')).toBe('8');
});

test('version 1 without the hierarchy: nobody is held by it', async () => {
  files({ 'memory/memory.limit_in_bytes': '1\n' });
  const kind = await openCgroups(root, 'river-c');
  expect([kind.version, hasCpusets(kind)]).toEqual([1, false]);
});

/** Where nobody may make a folder, not even root. */
const notOurs = '/sys';

test('version 1: groups that are there and belong to somebody else are none', async () => {
  files(version1);
  symlinkSync(notOurs, join(root, 'cpuset/river-c'));
  const kind = await openCgroups(root, 'river-c');
  expect([kind.version, hasCpusets(kind)]).toEqual([1, false]);
  rmSync(join(root, 'memory/river-c'), { recursive: true });
  symlinkSync(notOurs, join(root, 'memory/river-c'));
  expect(await openCgroups(root, 'river-c')).toEqual({
    version: 0,
    why: expect.stringContaining('are not writable'),
  });
});

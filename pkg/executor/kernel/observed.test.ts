import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { gpusOf } from './environ.ts';
import { readObserved } from './observed.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'river-observed-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const status = (state: string) =>
  `Name:\tpython3\nState:\t${state}\nCpus_allowed:\tf0\nCpus_allowed_list:\t4-7\nMems_allowed_list:\t0-1\n`;

function machine(files: Record<string, string>) {
  for (const [path, text] of Object.entries({ 'proc/7/status': status('S (sleeping)'), ...files })) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  return readObserved(7, { proc: join(folder, 'proc'), cgroup: join(folder, 'cgroup') });
}

test('masks, without a limit or a policy', () => {
  const maps = '55e03a6d0000 default file=/usr/bin/head mapped=2 N0=2 kernelpagesize_kB=4\n';
  expect(machine({ 'proc/7/numa_maps': maps })).toEqual({ cpus: '4-7', memoryNodes: '0-1' });
});

test.each([
  ['bind:1', '1'],
  ['bind=static:1', '1'],
  ['bind:0-3', '0-1'],
  ['prefer:1', '0-1'],
  ['interleave:0-1', '0-1'],
])('memory under the policy %s', (policy, memoryNodes) => {
  const maps = `55e03a6d0000 ${policy} file=/usr/bin/head mapped=2 N0=2 kernelpagesize_kB=4\n`.repeat(100);
  expect(machine({ 'proc/7/numa_maps': maps })).toMatchObject({ memoryNodes });
});

test('limits of version 2', () => {
  const files = { 'proc/7/cgroup': '0::/river-c/u\n', 'cgroup/river-c/u/cpu.max': '150000 100000\n' };
  const limited = machine({ ...files, 'cgroup/river-c/u/memory.max': '4096\n' });
  expect(limited).toMatchObject({ cores: 1.5, memory: 4096 });
  const free = machine({
    'cgroup/river-c/u/cpu.max': 'max 100000\n',
    'cgroup/river-c/u/memory.max': 'max\n',
  });
  expect(free).toEqual({ cpus: '4-7', memoryNodes: '0-1' });
});

test('limits of version 1, where each controller has groups of its own', () => {
  const groups = '9:cpu,cpuacct:/a/b\n4:memory:/river-c/u\n1:name=systemd:/s\n0::/\n';
  const limited = machine({
    'proc/7/cgroup': groups,
    ...{ 'cgroup/cpu/a/b/cpu.cfs_quota_us': '50000\n', 'cgroup/cpu/a/b/cpu.cfs_period_us': '100000\n' },
    'cgroup/memory/river-c/u/memory.limit_in_bytes': '49999872\n',
  });
  expect(limited).toMatchObject({ cores: 0.5, memory: 49_999_872 });
  const free = machine({
    'cgroup/cpu/a/b/cpu.cfs_quota_us': '-1\n',
    'cgroup/memory/river-c/u/memory.limit_in_bytes': '9223372036854771712\n',
  });
  expect(free).toEqual({ cpus: '4-7', memoryNodes: '0-1' });
});

test('one that has ended, or is only not collected yet, has nothing', () => {
  expect(readObserved(8, { proc: join(folder, 'proc'), cgroup: folder })).toBeUndefined();
  expect(machine({ 'proc/7/status': status('Z (zombie)') })).toBeUndefined();
});

test('GPUs by what the program is told', () => {
  machine({ 'proc/7/environ': 'A=b\0CUDA_VISIBLE_DEVICES=GPU-a,MIG-b\0' });
  expect(gpusOf(7, join(folder, 'proc'))).toEqual({ gpus: ['GPU-a', 'MIG-b'] });
  machine({ 'proc/7/environ': 'CUDA_VISIBLE_DEVICES=\0' });
  expect([gpusOf(7, join(folder, 'proc')), gpusOf(8, join(folder, 'proc'))]).toEqual([{}, {}]);
});

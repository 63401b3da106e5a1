import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { usageOf } from '../index.ts';
import { groupMemoryPeak, groupOomKills, groupUsage } from './group-usage.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'river-group-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const write = (files: Record<string, string>) => {
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
};

const both = (version: 1 | 2) => {
  const group = { version, path: folder };
  return { memory: group, cpu: group };
};

test('version 1', () => {
  write({
    'cpuacct.usage': '1500000000\n',
    'memory.usage_in_bytes': '5000\n',
    'memory.stat': 'inactive_file 1\ntotal_inactive_file 2000\n',
  });
  expect(groupUsage(both(1))).toEqual({
    cpuSeconds: 1.5,
    memoryUsed: 3000,
  });
  expect(groupUsage({ cpu: both(1).cpu })).toEqual({ cpuSeconds: 1.5 });
});

test('version 2', () => {
  write({
    'cpu.stat': 'usage_usec 2500000\nuser_usec 1\n',
    'memory.current': '5000\n',
    'memory.stat': 'anon 1\ninactive_file 6000\n',
  });
  expect(groupUsage(both(2))).toEqual({ cpuSeconds: 2.5, memoryUsed: 0 });
});

test('a group that is gone, or is just being emptied', () => {
  write({ 'memory.current': '', 'cpu.stat': 'user_usec 1\n' });
  const usage = groupUsage(both(2));
  expect(usage).toEqual({});
  expect(usageOf(['a', 'b'], (uid) => (uid === 'a' ? usage : { memoryUsed: 1 }))).toEqual(
    new Map([['b', { memoryUsed: 1 }]]),
  );
});

test('what is left to say when it has ended', () => {
  const [first, second] = [both(1).memory, both(2).memory];
  expect([groupMemoryPeak(first), groupMemoryPeak(second), groupOomKills(second)]).toEqual([
    undefined,
    undefined,
    0,
  ]);
  write({ 'memory.max_usage_in_bytes': '7000\n', 'memory.oom_control': 'under_oom 0\noom_kill 1\n' });
  write({ 'memory.peak': '8000\n', 'memory.events': 'oom 3\noom_kill 2\n' });
  expect([groupMemoryPeak(first), groupMemoryPeak(second)]).toEqual([7000, 8000]);
  expect([groupOomKills(first), groupOomKills(second)]).toEqual([1, 2]);
});

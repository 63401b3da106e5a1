import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { groupUsage, usageOf } from './group-usage.ts';

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

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import {
  isAlive,
  parseStat,
  readStat,
  sessionMembers,
  sessionUsage,
  someoneHasArgument,
} from './proc-table.ts';

test('the name of a process may look like fields', () => {
  const rest = '7 8 9 0 -1 4194304 100 0 0 0 1 20 300 4000 20 0 1 0 90941 3133440';
  expect(parseStat(`42 (a) S 1 (x)) R ${rest}`)).toEqual({
    pid: 42,
    state: 'R',
    parent: 7,
    session: 9,
    ticks: 4321,
    startTime: '90941',
  });
  expect(parseStat('')).toBeUndefined();
});

test('a pid with another start time is another process', async () => {
  const own = await readStat(process.pid);
  expect(isAlive(process.pid, own?.startTime ?? '')).toBe(true);
  expect(isAlive(process.pid, '1')).toBe(false);
});

test('members of a session are found, its leader left out', async () => {
  const leader = spawn('/bin/sh', ['-c', 'sleep 60 & echo ready; wait', 'marker-of-this-test'], {
    detached: true,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  await once(leader.stdout, 'data');
  const pid = leader.pid ?? 0;
  const members = await sessionMembers(pid);
  const usage = await sessionUsage([pid, 2 ** 30]);
  expect(await someoneHasArgument('marker-of-this-test')).toBe(true);
  process.kill(-pid, 'SIGKILL');
  expect(members).toHaveLength(1);
  expect(members).not.toContain(pid);
  expect([...usage.keys()]).toEqual([pid]);
  expect(usage.get(pid)?.memoryUsed).toBeGreaterThan(100_000);
  expect(usage.get(pid)?.cpuSeconds).toBeGreaterThanOrEqual(0);
});

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import {
  isAlive,
  type ProcessStat,
  parseStat,
  readStat,
  sessionMembers,
  sessionsOf,
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

const stat = (pid: number, parent: number, session: number): ProcessStat => ({
  ...{ pid, parent, session, state: 'S', ticks: 1, startTime: '1' },
});

test('each belongs to the wrappers above it and to that of its session, in whatever order they are found', () => {
  const stats = [
    // Below 10, in a session of its own, and left behind by its parent.
    ...[stat(12, 11, 12), stat(11, 10, 10), stat(10, 1, 10), stat(13, 1, 10)],
    // A wrapper below another one, with a child in the session of a third.
    ...[stat(21, 20, 30), stat(20, 11, 20), stat(30, 1, 30)],
    // Nobody's, and two whose numbers were given anew while they were read.
    ...[stat(1, 0, 1), stat(40, 1, 40), stat(51, 50, 50), stat(50, 51, 50)],
  ];
  const pids = [...sessionsOf(stats, [10, 20, 30, 99])].map(([wrapper, members]) => [
    wrapper,
    members.map(({ pid }) => pid).sort(),
  ]);
  expect(Object.fromEntries(pids)).toEqual({ 10: [10, 11, 12, 13, 20, 21], 20: [20, 21], 30: [21, 30] });
});

test('many wrappers cost one pass: each process is looked at some times, not once for every run', () => {
  let looks = 0;
  const counted = Array.from({ length: 500 }, (_, index) => {
    const pid = index + 2;
    const found = stat(pid, 1, pid);
    const get = () => {
      looks += 1;
      return 1;
    };
    return Object.defineProperty(found, 'parent', { get });
  });
  const wrappers = counted.map(({ pid }) => pid);
  expect(sessionsOf(counted, wrappers).size).toBe(500);
  expect(looks).toBeLessThan(500 * 4);
});

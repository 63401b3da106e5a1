import { readFileSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import type { LiveUsage } from '../index.ts';

/** One line of `/proc/PID/stat`. */
export interface ProcessStat {
  pid: number;
  state: string;
  parent: number;
  session: number;
  /** CPU time in clock ticks, of it and of its children that have ended. */
  ticks: number;
  /** Clock ticks since boot: with the pid and the boot id it names a process for ever. */
  startTime: string;
}

/** Undefined when the text is none. The name in parentheses may hold spaces and parentheses. */
export function parseStat(text: string): ProcessStat | undefined {
  const pid = Number.parseInt(text, 10);
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const [state, parent, , session] = fields;
  const startTime = fields[19];
  if (!pid || state === undefined || startTime === undefined) return undefined;
  // utime, stime, cutime, cstime (proc_pid_stat(5)).
  const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
  return { pid, state, parent: Number(parent), session: Number(session), ticks, startTime: startTime.trim() };
}

export async function readStat(pid: number): Promise<ProcessStat | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return parseStat(text);
}

/** Whether this very process still executes: a zombie, or another one under its number, does not. */
export function isAlive(pid: number, startTime: string): boolean {
  let text = '';
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return false;
  }
  const stat = parseStat(text);
  return stat !== undefined && stat.startTime === startTime && !'ZX'.includes(stat.state);
}

async function pids(): Promise<number[]> {
  return (await readdir('/proc')).map(Number).filter((pid) => pid > 0);
}

/** Everything in the wrapper's session or below it, without the wrapper. What left both is not found: that needs a cgroup. */
export async function sessionMembers(wrapper: number): Promise<number[]> {
  return membersIn(await allStats(), wrapper)
    .filter((stat) => stat.pid !== wrapper && !'ZX'.includes(stat.state))
    .map((stat) => stat.pid);
}

async function allStats(): Promise<ProcessStat[]> {
  return (await Promise.all((await pids()).map(readStat))).filter((stat) => stat !== undefined);
}

function membersIn(stats: readonly ProcessStat[], wrapper: number): ProcessStat[] {
  const found = new Set<number>([wrapper]);
  for (let before = 0; before !== found.size; ) {
    before = found.size;
    for (const stat of stats) {
      if (stat.session === wrapper || found.has(stat.parent)) found.add(stat.pid);
    }
  }
  return stats.filter((stat) => found.has(stat.pid));
}

/** The kernel's for all programs (USER_HZ). */
const ticksPerSecond = 100;

/** By wrapper. The memory of pages that several processes share is counted for each of them. */
export async function sessionUsage(wrappers: readonly number[]): Promise<Map<number, LiveUsage>> {
  if (wrappers.length === 0) return new Map();
  const stats = await allStats();
  const sums = wrappers.map(async (wrapper): Promise<[number, LiveUsage] | undefined> => {
    const members = membersIn(stats, wrapper);
    if (members.length === 0) return undefined;
    const ticks = members.reduce((sum, stat) => sum + stat.ticks, 0);
    const resident = await Promise.all(members.map(({ pid }) => residentBytes(pid)));
    const memoryUsed = resident.reduce((sum, bytes) => sum + bytes, 0);
    return [wrapper, { cpuSeconds: ticks / ticksPerSecond, memoryUsed }];
  });
  return new Map((await Promise.all(sums)).filter((sum) => sum !== undefined));
}

async function residentBytes(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(text)?.[1] ?? 0) * 1024;
}

/** Whether any process has this exact argument, as the wrapper of a run has the run's folder. */
export async function someoneHasArgument(argument: string): Promise<boolean> {
  const lines = await Promise.all(
    (await pids()).map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')),
  );
  return lines.some((line) => line.split('\0').includes(argument));
}

/** A process that is gone already is no error. */
export function signalAll(members: number[], signal: NodeJS.Signals): void {
  for (const pid of members) {
    try {
      process.kill(pid, signal);
    } catch {
      // It ended between the look and the signal, or belongs to somebody else now.
    }
  }
}

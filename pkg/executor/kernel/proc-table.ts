import { readdir, readFile } from 'node:fs/promises';
import type { LiveUsage } from '../index.ts';
import { readKernelFile } from './files.ts';

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
  const stat = parseStat(readKernelFile(`/proc/${pid}/stat`));
  return stat !== undefined && stat.startTime === startTime && !'ZX'.includes(stat.state);
}

async function pids(): Promise<number[]> {
  return (await readdir('/proc')).map(Number).filter((pid) => pid > 0);
}

/** Everything in the wrapper's session or below it, without the wrapper. What left both is not found: that needs a cgroup. */
export async function sessionMembers(wrapper: number): Promise<number[]> {
  const members = sessionsOf(await allStats(), [wrapper]).get(wrapper) ?? [];
  return members.filter((stat) => stat.pid !== wrapper && !'ZX'.includes(stat.state)).map((stat) => stat.pid);
}

async function allStats(): Promise<ProcessStat[]> {
  return (await Promise.all((await pids()).map(readStat))).filter((stat) => stat !== undefined);
}

/**
 * What is in the session of each wrapper or below it, the wrapper included: by wrapper, without those that have nothing.
 * In one pass over the processes, however many wrappers there are. A process below two of them belongs to both.
 */
export function sessionsOf(
  stats: readonly ProcessStat[],
  wrappers: readonly number[],
): Map<number, ProcessStat[]> {
  const byPid = new Map(stats.map((stat) => [stat.pid, stat]));
  const isWrapper = new Set(wrappers);
  const owners = new Map<number, readonly number[]>();
  const ownersOf = (pid: number): readonly number[] => {
    const path: number[] = [];
    for (let at = pid; at > 0 && !owners.has(at); at = byPid.get(at)?.parent ?? 0) {
      // Until it is known: numbers that were given anew while they were read could lead in a circle.
      owners.set(at, []);
      path.push(at);
    }
    for (const at of path.reverse()) {
      const { parent = 0, session = 0 } = byPid.get(at) ?? {};
      const above = owners.get(parent) ?? [];
      const own = [at, session].filter((each) => isWrapper.has(each) && !above.includes(each));
      owners.set(at, own.length > 0 ? [...new Set([...above, ...own])] : above);
    }
    return owners.get(pid) ?? [];
  };
  const found = new Map<number, ProcessStat[]>();
  for (const stat of stats)
    for (const wrapper of ownersOf(stat.pid)) {
      const members = found.get(wrapper);
      if (members) members.push(stat);
      else found.set(wrapper, [stat]);
    }
  return found;
}

/** The kernel's for all programs (USER_HZ). */
const ticksPerSecond = 100;

/** By wrapper. The memory of pages that several processes share is counted for each of them. */
export async function sessionUsage(wrappers: readonly number[]): Promise<Map<number, LiveUsage>> {
  if (wrappers.length === 0) return new Map();
  const sums = [...sessionsOf(await allStats(), wrappers)].map(
    async ([wrapper, members]): Promise<[number, LiveUsage]> => {
      const ticks = members.reduce((sum, stat) => sum + stat.ticks, 0);
      const resident = await Promise.all(members.map(({ pid }) => residentBytes(pid)));
      const memoryUsed = resident.reduce((sum, bytes) => sum + bytes, 0);
      return [wrapper, { cpuSeconds: ticks / ticksPerSecond, memoryUsed }];
    },
  );
  return new Map(await Promise.all(sums));
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

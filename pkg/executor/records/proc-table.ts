import { readFileSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';

/** One line of `/proc/PID/stat`. */
export interface ProcessStat {
  pid: number;
  state: string;
  parent: number;
  session: number;
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
  return { pid, state, parent: Number(parent), session: Number(session), startTime: startTime.trim() };
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
  const stats = (await Promise.all((await pids()).map(readStat))).filter((stat) => stat !== undefined);
  const found = new Set<number>([wrapper]);
  for (let before = 0; before !== found.size; ) {
    before = found.size;
    for (const stat of stats) {
      if (stat.session === wrapper || found.has(stat.parent)) found.add(stat.pid);
    }
  }
  return stats
    .filter((stat) => stat.pid !== wrapper && found.has(stat.pid) && !'ZX'.includes(stat.state))
    .map((stat) => stat.pid);
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

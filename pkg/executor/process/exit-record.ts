import { constants } from 'node:os';
import type { Execution } from '../index.ts';

/** How an execution ended, as its exit record says it. */
export type Ending = Pick<Execution, 'exitCode' | 'signal' | 'oomKilled' | 'startError' | 'usage'>;

/** SIGINT and SIGPIPE: a shell reports these ends without a sentence. */
const silentSignals = [constants.signals.SIGINT, constants.signals.SIGPIPE];

export function signalName(number: number): string {
  const found = Object.entries(constants.signals).find(([, value]) => value === number);
  return found?.[0] ?? `SIG${number}`;
}

/** Seconds of user and system time in a line of `times`, as in `0m1.25s 0m0.50s`. */
function timesSeconds(line: string): number | undefined {
  const spans = [...line.matchAll(/(\d+)m(\d+(?:\.\d+)?)s/g)];
  if (spans.length !== 2) return undefined;
  return spans.reduce((sum, span) => sum + Number(span[1]) * 60 + Number(span[2]), 0);
}

/** Values of the cgroup files that the wrapper noted, by the names of v1 and v2. */
function cgroupFigures(lines: string[]): { cpuSeconds?: number; memoryPeak?: number; oomKills: number } {
  let file = '';
  const figures: { cpuSeconds?: number; memoryPeak?: number; oomKills: number } = { oomKills: 0 };
  for (const line of lines) {
    if (line.startsWith('file ')) {
      file = line.slice(line.lastIndexOf('/') + 1);
      continue;
    }
    const [key = '', value = ''] = line.split(' ');
    if (file === 'memory.max_usage_in_bytes' || file === 'memory.peak') figures.memoryPeak = Number(key);
    if (file === 'cpuacct.usage') figures.cpuSeconds = Number(key) / 1e9;
    if (file === 'cpu.stat' && key === 'usage_usec') figures.cpuSeconds = Number(value) / 1e6;
    if (key === 'oom_kill') figures.oomKills = Number(value);
  }
  return figures;
}

function startErrorOf(status: number): Ending['startError'] {
  if (status === 127) {
    return {
      reason: 'CommandNotFound',
      message: 'The program, or the interpreter in its #! line, does not exist.',
    };
  }
  if (status === 125) {
    return {
      reason: 'StartFailed',
      message: 'The process could not enter its cgroup, so its limits could not be applied.',
    };
  }
  return {
    reason: 'StartFailed',
    message: 'The program could not be executed: it is not an executable file.',
  };
}

/** Undefined when the record is not whole. Raises nothing: a disk may hold anything. */
export function parseExitRecord(text: string): Ending | undefined {
  const lines = text.split('\n');
  if (text.startsWith('error ')) {
    const startError = parseStartError(lines[0] ?? '');
    return startError && { startError };
  }
  const status = Number(/^status (\d+)$/.exec(lines[0] ?? '')?.[1]);
  if (Number.isNaN(status) || !lines.includes('end')) return undefined;
  const head = lines.slice(1, lines.indexOf('times'));
  if (head.includes('failed')) return { startError: startErrorOf(status) };
  const { oomKills, ...figures } = cgroupFigures(
    lines.slice(lines.indexOf('times') + 3, lines.lastIndexOf('end')),
  );
  const cpuSeconds = figures.cpuSeconds ?? timesSeconds(lines[lines.indexOf('times') + 2] ?? '');
  const bySignal = status > 128 && (head.includes('diag') || silentSignals.includes(status - 128));
  const killed = bySignal ? signalName(status - 128) : undefined;
  return {
    ...(bySignal ? { signal: killed } : { exitCode: status }),
    ...(oomKills > 0 && (killed === 'SIGKILL' || status === 137) ? { oomKilled: true } : {}),
    usage: { ...figures, ...(cpuSeconds === undefined ? {} : { cpuSeconds }) },
  };
}

function parseStartError(line: string): Ending['startError'] | undefined {
  try {
    const value: unknown = JSON.parse(line.slice('error '.length));
    if (typeof value !== 'object' || value === null || !('reason' in value) || !('message' in value))
      return undefined;
    return { reason: String(value.reason), message: String(value.message) };
  } catch {
    return undefined;
  }
}

/** The record of a Run whose program was never executed. */
export function startErrorRecord(error: { reason: string; message: string }): string {
  return `error ${JSON.stringify(error)}\n`;
}

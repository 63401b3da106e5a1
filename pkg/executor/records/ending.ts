import { constants } from 'node:os';
import type { Execution } from '../index.ts';
import type { StartError } from './command.ts';

/** How an execution ended, as its exit record says it. */
export type Ending = Pick<
  Execution,
  'exitCode' | 'signal' | 'oomKilled' | 'startError' | 'unknownEnd' | 'usage' | 'note'
>;

export function signalName(number: number): string {
  const found = Object.entries(constants.signals).find(([, value]) => value === number);
  return found?.[0] ?? `SIG${number}`;
}

/** Values of the cgroup files that were noted at the end, each after a line `file PATH`, by the names of v1 and v2. */
export function cgroupFigures(lines: string[]): {
  cpuSeconds?: number;
  memoryPeak?: number;
  oomKills: number;
} {
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

/** Undefined when the record is of a program that was executed, or not whole. */
export function parseStartError(record: string): StartError | undefined {
  if (!record.startsWith('error ')) return undefined;
  try {
    const value: unknown = JSON.parse(record.slice('error '.length));
    if (typeof value !== 'object' || value === null || !('reason' in value) || !('message' in value))
      return undefined;
    return { reason: String(value.reason), message: String(value.message) };
  } catch {
    return undefined;
  }
}

/** The record of a Run whose program was never executed. */
export function startErrorRecord(error: StartError): string {
  return `error ${JSON.stringify(error)}\n`;
}

import type { ExecutionSpec } from '../index.ts';

/** What a simulated program does: `["sim", "for:500ms", "exit:3"]`. */
export interface FakeProgram {
  durationMs: number;
  exitCode: number;
  /** Ends by this signal in place of an exit code. */
  signal?: string;
  oomKilled: boolean;
  /** Goes on after SIGTERM, until SIGKILL. */
  ignoresTerm: boolean;
  /** Cannot be started at all. */
  startError?: string;
}

/** Words: `for:NUMBER(ms|s)` or `for:ever`, `exit:CODE`, `signal:NAME`, `oom`, `ignore-term`, `no-start:REASON`; others mean nothing. */
export function parseFakeProgram({ command = [], args = [] }: ExecutionSpec): FakeProgram {
  const program: FakeProgram = { durationMs: 0, exitCode: 0, oomKilled: false, ignoresTerm: false };
  for (const word of [...command, ...args]) {
    const [key, value = ''] = word.split(':');
    if (key === 'for') program.durationMs = durationOf(value);
    if (key === 'exit') program.exitCode = Number(value);
    if (key === 'signal') program.signal = value;
    if (key === 'oom') program.oomKilled = true;
    if (key === 'ignore-term') program.ignoresTerm = true;
    if (key === 'no-start') program.startError = value;
  }
  return program;
}

function durationOf(value: string): number {
  if (value === 'ever') return Number.POSITIVE_INFINITY;
  return Number.parseFloat(value) * (value.endsWith('ms') ? 1 : 1000);
}

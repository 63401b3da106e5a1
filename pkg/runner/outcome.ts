import type { RunStatus } from '../api/index.ts';
import { timestamp } from '../base/index.ts';
import type { Execution } from '../executor/index.ts';
import type { Intent } from './intents.ts';
import { type Pauses, pausesUntil } from './pauses.ts';

type Stop = Pick<Intent, 'stopReason' | 'stopRequestedAt'>;
type Ran = Pick<Intent, 'environment'>;
type Verdict = Required<Pick<RunStatus, 'phase' | 'reason' | 'message'>>;

function ranIn({ environment }: Ran): Pick<RunStatus, 'environmentDigest'> {
  return environment ? { environmentDigest: environment.digest } : {};
}

/** The status of a Run whose program runs. Reason and message of an earlier phase go. */
export function runningStatus(
  execution: Execution,
  intent: { outPath: string; errPath: string } & Ran & Pauses,
): RunStatus {
  const { pausedMs } = intent;
  return {
    phase: 'Running',
    ...ranIn(intent),
    ...(execution.startedAt === undefined ? {} : { startedAt: timestamp(execution.startedAt) }),
    ...(pausedMs === undefined ? {} : { pausedMs }),
    log: { out: intent.outPath, err: intent.errPath },
    reason: pausedMs === undefined ? 'Started' : 'Resumed',
    message: '',
  };
}

/** The last status of a Run, from what the machine knows about its execution and from what was asked of it. */
export function outcomeOf(
  execution: Execution,
  stop: Stop,
  intent: { outPath: string; errPath: string; spec?: { memoryBytes: number } } & Ran & Pauses,
): RunStatus {
  const { startedAt, finishedAt, exitCode, signal, oomKilled, usage } = execution;
  const verdict = verdictOf(execution, stop);
  const notes = [limitNote(execution, intent.spec?.memoryBytes ?? 0), execution.note];
  return {
    ...verdict,
    message: [verdict.message, ...notes.filter((note) => note !== undefined)].join(' '),
    ...(startedAt === undefined ? {} : { startedAt: timestamp(startedAt) }),
    ...(finishedAt === undefined ? {} : { finishedAt: timestamp(finishedAt) }),
    ...(finishedAt === undefined ? {} : pausesUntil(intent, finishedAt)),
    ...(exitCode === undefined ? {} : { exitCode }),
    ...(signal === undefined ? {} : { signal }),
    ...(oomKilled ? { oomKilled } : {}),
    ...(usage === undefined ? {} : { usage }),
    ...(execution.startError ? {} : ranIn(intent)),
    ...(execution.startError ? {} : { log: { out: intent.outPath, err: intent.errPath } }),
  };
}

/** An engine does not always hear that the kernel ran out of the limit's memory: then the peak is all there is to tell. */
function limitNote({ signal, oomKilled, usage }: Execution, memoryBytes: number): string | undefined {
  if (signal !== 'SIGKILL' || oomKilled || memoryBytes === 0) return undefined;
  // The kernel counts in pages, and rounds the limit down to one.
  const reached = (usage?.memoryPeak ?? 0) >= memoryBytes - 4096;
  return reached ? 'It had reached its memory limit.' : undefined;
}

/** The last status of a Run that ended without its program having run, or without anything known about it. */
export function concluded(
  phase: 'Failed' | 'Stopped',
  reason: string,
  message: string,
  nowMs: number,
): RunStatus {
  return { phase, reason, message, finishedAt: timestamp(nowMs) };
}

function verdictOf(execution: Execution, stop: Stop): Verdict {
  const { startError, unknownEnd, oomKilled, signal, exitCode } = execution;
  // An executor that called off a start says so in place of an error: it is the stop that was asked for.
  if (startError?.reason === 'Stopped') return stopVerdict(stop);
  if (startError) return { phase: 'Failed', reason: startError.reason, message: startError.message };
  if (endedByStop(execution, stop)) return stopVerdict(stop);
  if (unknownEnd === 'NodeRestarted')
    return { phase: 'Failed', reason: unknownEnd, message: 'The node restarted while the program ran.' };
  if (unknownEnd)
    return {
      phase: 'Failed',
      reason: unknownEnd,
      message: 'The node has no record of how the program ended.',
    };
  if (oomKilled)
    return { phase: 'Failed', reason: 'OOMKilled', message: 'The program used more memory than its limit.' };
  if (signal) return { phase: 'Failed', reason: 'Signalled', message: `The program was ended by ${signal}.` };
  if (exitCode === 0)
    return { phase: 'Succeeded', reason: 'Completed', message: 'The program ended with exit code 0.' };
  return {
    phase: 'Failed',
    reason: 'NonZeroExit',
    message: `The program ended with exit code ${exitCode ?? 'unknown'}.`,
  };
}

/** Times of files come from a coarser clock than ours, up to a jiffy behind (Linux: CLOCK_REALTIME_COARSE). */
const clockSlackMs = 50;

/** A program that had ended by itself before it was asked to stop keeps its own outcome. */
function endedByStop({ finishedAt }: Execution, { stopReason, stopRequestedAt }: Stop): boolean {
  if (!stopReason) return false;
  if (finishedAt === undefined || stopRequestedAt === undefined) return true;
  return finishedAt >= stopRequestedAt - clockSlackMs;
}

function stopVerdict({ stopReason }: Stop): Verdict {
  if (stopReason === 'Drained')
    return { phase: 'Stopped', reason: 'Drained', message: 'The program was stopped to empty the node.' };
  return stopReason === 'DeadlineExceeded'
    ? { phase: 'Failed', reason: 'DeadlineExceeded', message: 'The program ran longer than spec.timeout.' }
    : { phase: 'Stopped', reason: 'Stopped', message: 'The program was stopped on request.' };
}

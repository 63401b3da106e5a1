import { parseDuration, type Run, type Task } from '../../api/index.ts';

/** One more Run for an ordinal whose last one has ended. */
export interface NextAttempt {
  /** The Run that has ended. */
  after: Run;
  attempt: number;
  /** Attempts that count for the limit by then. */
  retries: number;
  /** Not before: milliseconds since the epoch. */
  dueMs: number;
}

type Retry = NonNullable<Task['spec']['retry']>;

/**
 * Not written into the Task, as other defaults are: a manifest that drops retry would leave them behind, and a retry
 * without its limit.
 */
const defaultRetry = { on: ['Failed', 'NodeRestarted'], backoff: '10s' } as const;
const longestBackoffMs = 3_600_000;
/** Its node took it away; what the program did is not to blame. */
const takenByNode = ['NodeRestarted', 'Fenced'];

/** The last attempt of every ordinal, in the order of the ordinals: those before it are history. */
export function lastAttempts(runs: readonly Run[]): Run[] {
  const last = new Map<number, Run>();
  for (const run of runs) {
    const known = last.get(run.spec.ordinal);
    if (!known || run.spec.attempt > known.spec.attempt) last.set(run.spec.ordinal, run);
  }
  return [...last.values()].sort((left, right) => left.spec.ordinal - right.spec.ordinal);
}

/**
 * What follows a Run that has ended: undefined when this end is the last word. A Run that was stopped is never tried
 * again, and a Lost one has not ended. `nowMs` bounds the wait when the clock was set back since.
 */
export function nextAttempt(run: Run, retry: Retry | undefined, nowMs: number): NextAttempt | undefined {
  const { phase, reason, finishedAt, endedAt = finishedAt } = run.status ?? {};
  const { attempt, retries = 0 } = run.spec;
  // Given back because the Task was suspended before its program was started, or stopped because its node is drained.
  if (phase === 'Stopped' && (reason === 'Suspended' || run.spec.evicted))
    return { after: run, attempt: attempt + 1, retries, dueMs: nowMs };
  if (phase !== 'Failed' || !retry || retries >= retry.limit) return undefined;
  const end = takenByNode.includes(reason ?? '') ? 'NodeRestarted' : 'Failed';
  if (!(retry.on ?? defaultRetry.on).includes(end)) return undefined;
  const delayMs = backoffMs(retry, retries);
  const endedMs = Date.parse(endedAt ?? '') || nowMs;
  // A time ahead by more than the wait says nothing about when it ended.
  const dueMs = endedMs > nowMs + delayMs ? nowMs : endedMs + delayMs;
  return { after: run, attempt: attempt + 1, retries: retries + 1, dueMs };
}

function backoffMs({ backoff = defaultRetry.backoff }: Retry, retries: number): number {
  const firstMs = parseDuration(backoff);
  return Math.min(firstMs * 2 ** retries, Math.max(firstMs, longestBackoffMs));
}

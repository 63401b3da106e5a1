import { isActive, parseOrdinals, type Run, runCount, type Task } from '../../api/index.ts';
import { lastAttempts, type NextAttempt, nextAttempt } from './attempts.ts';
import type { Revision } from './revision.ts';

/** What has become of the Runs of one revision so far. */
export interface Outcome {
  revision: number;
  /** How many Runs this revision makes. */
  total: number;
  /** Runs of this revision: the last attempt of each ordinal. */
  current: Run[];
  /** Runs of earlier revisions that have not ended. */
  leftover: Run[];
  /** Ordinals that succeeded, those whose Runs are deleted already included. */
  completed: Set<number>;
  /** Ordinals that ended otherwise. */
  ended: Set<number>;
  /** By ordinal: a Run has ended, and another one takes its place. */
  again: Map<number, NextAttempt>;
}

/** `nowMs`: milliseconds since the epoch. */
export function outcomeOf(revision: Revision, runs: readonly Run[], task: Task, nowMs: number): Outcome {
  const total = runCount(task);
  const current = lastAttempts(runs.filter((run) => run.spec.revision === revision.revision));
  const completed = parseOrdinals(revision.completed);
  const ended = parseOrdinals(revision.ended);
  const again = new Map<number, NextAttempt>();
  for (const run of current) {
    const { spec, status } = run;
    if (status?.phase === 'Succeeded') completed.add(spec.ordinal);
    // An earlier attempt may outlive the one that had the last word.
    if (completed.has(spec.ordinal) || ended.has(spec.ordinal)) continue;
    if (status?.phase !== 'Failed' && status?.phase !== 'Stopped') continue;
    const next = nextAttempt(run, task.spec.retry, nowMs);
    if (next) again.set(spec.ordinal, next);
    else ended.add(spec.ordinal);
  }
  const leftover = runs.filter(
    (run) => run.spec.revision !== revision.revision && isActive(run.status?.phase ?? 'Pending'),
  );
  return { revision: revision.revision, total, current, leftover, completed, ended, again };
}

/** Every ordinal has ended, one way or the other. */
export function isDone(outcome: Outcome): boolean {
  return outcome.completed.size + outcome.ended.size >= outcome.total;
}

export function activeRuns(outcome: Outcome): Run[] {
  return outcome.current.filter((run) => isActive(run.status?.phase ?? 'Pending'));
}

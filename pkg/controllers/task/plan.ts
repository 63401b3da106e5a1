import {
  buildRun,
  isActive,
  type Run,
  type RunSpec,
  type Task,
  type TaskStatus,
  type TaskSweep,
  taskSweep,
} from '../../api/index.ts';
import { lastAttempts, type NextAttempt } from './attempts.ts';
import { foldTask } from './fold.ts';
import { activeRuns, type Outcome, outcomeOf } from './outcome.ts';
import { revisionOf } from './revision.ts';

export interface TaskPlan {
  /** What status has to say, before any of the Runs below is made. */
  status: TaskStatus;
  /** Runs to make. */
  start: Run[];
  /** Runs to be told that something else is wanted of them. */
  want: { run: Run; desired: RunSpec['desired'] }[];
  /** Runs that were never on a node, or are not any more: they end as Stopped at once. */
  settle: Run[];
  /** When the next attempt is due, from now; absent: none waits. */
  wakeAfterMs?: number;
}

/**
 * What is to be done for a Task that is not being deleted. `runs`: all that it owns, of any revision; `now`:
 * RFC 3339. Pure, so that the same facts always lead to the same steps: after they are done the plan is empty.
 */
export function planTask(task: Task, runs: readonly Run[], now: string): TaskPlan {
  const revision = revisionOf(task);
  const nowMs = Date.parse(now);
  const outcome = outcomeOf(revision, runs, task, nowMs);
  const start = runsToStart(task, outcome, nowMs);
  const unwanted = runs.filter((run) => isActiveRun(run) && isUnwanted(run, task, revision.revision));
  return {
    status: foldTask({
      task,
      revision,
      outcome: withStarted(outcome, start),
      now,
    }),
    start,
    want: wanted(task, runs, revision.revision),
    settle: unwanted.filter((run) => phaseOf(run) === 'Pending'),
    ...untilNext(task, outcome, nowMs),
  };
}

function withStarted(outcome: Outcome, start: readonly Run[]): Outcome {
  const again = new Map(outcome.again);
  for (const { spec } of start) again.delete(spec.ordinal);
  return { ...outcome, again, current: lastAttempts([...outcome.current, ...start]) };
}

/** Of those that have not ended. What never was on a node and is not wanted needs no word: it is settled. */
function wanted(task: Task, runs: readonly Run[], revision: number): TaskPlan['want'] {
  return runs.filter(isActiveRun).flatMap((run) => {
    const unwanted = isUnwanted(run, task, revision);
    if (unwanted && phaseOf(run) === 'Pending') return [];
    const desired = unwanted ? 'Stopped' : task.spec.suspend ? 'Paused' : 'Running';
    return run.spec.desired === desired ? [] : [{ run, desired }];
  });
}

function phaseOf(run: Run) {
  return run.status?.phase ?? 'Pending';
}

function isActiveRun(run: Run): boolean {
  return isActive(phaseOf(run));
}

/** A Run that was told to stop stays so, also when the Task is not stopped any more and its node refused it meanwhile. */
function isUnwanted(run: Run, task: Task, revision: number): boolean {
  return task.spec.stopped === true || run.spec.revision !== revision || run.spec.desired === 'Stopped';
}

/**
 * Ordinals that have no Run or are to have another attempt, never had one that was the last word in this revision, and
 * whose Run of an earlier revision has ended: two executions of one ordinal must never be alive at the same time. A
 * Lost Run is not ended: it may still run where nobody sees it. In order, and no more than parallelism has room for.
 */
function runsToStart(task: Task, outcome: Outcome, nowMs: number): Run[] {
  if (task.spec.stopped || task.spec.suspend) return [];
  const taken = new Set([...outcome.completed, ...outcome.ended]);
  for (const { spec } of [...outcome.current, ...outcome.leftover]) taken.add(spec.ordinal);
  const sweep = taskSweep(task.spec);
  const start: Run[] = [];
  for (
    let ordinal = 0, room = roomFor(task, outcome);
    ordinal < outcome.total && start.length < room;
    ordinal += 1
  ) {
    const next = outcome.again.get(ordinal) ?? (taken.has(ordinal) ? undefined : firstAttempt);
    if (next && next.dueMs <= nowMs) start.push(attemptOf(task, sweep, outcome.revision, ordinal, next));
  }
  return start;
}

type Attempt = Pick<NextAttempt, 'attempt' | 'retries' | 'dueMs'>;

const firstAttempt: Attempt = { attempt: 0, retries: 0, dueMs: 0 };

/** Runs of earlier revisions that have not ended take up room too. */
function roomFor(task: Task, outcome: Outcome): number {
  const { parallelism } = task.spec;
  if (parallelism === undefined) return Number.POSITIVE_INFINITY;
  return parallelism - activeRuns(outcome).length - outcome.leftover.length;
}

function attemptOf(
  task: Task,
  sweep: TaskSweep,
  revision: number,
  ordinal: number,
  { attempt, retries }: Attempt,
): Run {
  return buildRun(task, { revision, ordinal, attempt, ...(retries === 0 ? {} : { retries }) }, sweep);
}

function untilNext(task: Task, { again }: Outcome, nowMs: number): Pick<TaskPlan, 'wakeAfterMs'> {
  if (task.spec.stopped || task.spec.suspend) return {};
  const left = [...again.values()].map(({ dueMs }) => dueMs - nowMs).filter((leftMs) => leftMs > 0);
  return left.length > 0 ? { wakeAfterMs: Math.min(...left) } : {};
}

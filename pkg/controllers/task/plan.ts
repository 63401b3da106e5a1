import { buildRun, isActive, type Run, type Task, type TaskStatus, taskTargets } from '../../api/index.ts';
import { foldTask } from './fold.ts';
import { type Outcome, outcomeOf } from './outcome.ts';
import { revisionOf } from './revision.ts';

export interface TaskPlan {
  /** What status has to say, before any of the Runs below is made. */
  status: TaskStatus;
  /** Runs to make. */
  start: Run[];
  /** Runs on nodes, to be told that they are not wanted any more. */
  stop: Run[];
  /** Runs that were never on a node, or are not any more: they end as Stopped at once. */
  settle: Run[];
}

/**
 * What is to be done for a Task that is not being deleted. `runs`: all that it owns, of any revision; `now`:
 * RFC 3339. Pure, so that the same facts always lead to the same steps: after they are done the plan is empty.
 */
export function planTask(task: Task, runs: readonly Run[], now: string): TaskPlan {
  const revision = revisionOf(task);
  const outcome = outcomeOf(revision, runs, taskTargets(task).length);
  const start = runsToStart(task, outcome);
  const unwanted = runs.filter((run) => isActiveRun(run) && isUnwanted(run, task, revision.revision));
  return {
    status: foldTask({
      task,
      revision,
      outcome: { ...outcome, current: [...outcome.current, ...start] },
      now,
    }),
    start,
    stop: unwanted.filter((run) => phaseOf(run) !== 'Pending' && run.spec.desired !== 'Stopped'),
    settle: unwanted.filter((run) => phaseOf(run) === 'Pending'),
  };
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
 * Ordinals that have no Run, never had one that ended in this revision, and whose Run of an earlier revision has
 * ended: two executions of one ordinal must never be alive at the same time. A Lost Run is not ended: it may still
 * run where nobody sees it.
 */
function runsToStart(task: Task, outcome: Outcome): Run[] {
  if (task.spec.stopped || task.spec.suspend) return [];
  const taken = new Set([...outcome.completed, ...outcome.ended]);
  for (const run of [...outcome.current, ...outcome.leftover]) taken.add(run.spec.ordinal);
  return taskTargets(task).flatMap((_target, ordinal) =>
    taken.has(ordinal) ? [] : [buildRun(task, { revision: outcome.revision, ordinal, attempt: 0 })],
  );
}

import { formatOrdinals, type Run, type Task, type TaskStatus } from '../../api/index.ts';
import { foldConditions } from './conditions.ts';
import { activeRuns, isDone, type Outcome } from './outcome.ts';
import type { Revision } from './revision.ts';

export interface FoldInput {
  task: Task;
  revision: Revision;
  outcome: Outcome;
  /** RFC 3339. */
  now: string;
}

type Phase = NonNullable<TaskStatus['phase']>;

const shownRuns = 20;

/** `Task.status`, made anew of the revision and the Runs. Fields without a value are absent. */
export function foldTask(input: FoldInput): TaskStatus {
  const { task, revision, outcome } = input;
  const phase = foldPhase(task, outcome, samePhase(task, revision));
  const status: TaskStatus = {
    phase,
    active: activeRuns(outcome).length,
    succeeded: outcome.completed.size,
    failed: outcome.ended.size,
    total: outcome.total,
    observedGeneration: task.metadata.generation,
    conditions: foldConditions({ ...input, phase }),
    revision: revision.revision,
    executionHash: revision.executionHash,
    hashVersion: revision.hashVersion,
    rerun: revision.rerun,
    completed: formatOrdinals(outcome.completed) || undefined,
    ended: formatOrdinals(outcome.ended) || undefined,
    runs: foldRuns(outcome.current),
  };
  return Object.fromEntries(Object.entries(status).filter(([, value]) => value !== undefined)) as TaskStatus;
}

/** The phase that status shows now, when it is about the same revision. */
function samePhase(task: Task, revision: Revision): Phase | undefined {
  return task.status?.revision === revision.revision ? task.status.phase : undefined;
}

function foldPhase(task: Task, outcome: Outcome, before: Phase | undefined): Phase {
  const active = activeRuns(outcome);
  if (task.metadata.deletionTimestamp) return 'Stopping';
  if (isDone(outcome)) return outcome.ended.size === 0 ? 'Succeeded' : endPhase(task, outcome, before);
  if (task.spec.stopped) return active.length + outcome.leftover.length > 0 ? 'Stopping' : 'Stopped';
  if (task.spec.suspend && !active.some(mayExecute)) return 'Suspended';
  const begun = active.some((run) => run.status?.phase !== 'Pending' && run.status?.phase !== 'Scheduled');
  const retried = [...outcome.again.values()].some(({ retries }) => retries > 0);
  const over = outcome.completed.size + outcome.ended.size + (retried ? 1 : 0);
  return begun || over > 0 ? 'Running' : 'Pending';
}

/** A Lost one may run where nobody sees it. */
function mayExecute({ status }: Run): boolean {
  return status?.phase === 'Starting' || status?.phase === 'Running' || status?.phase === 'Lost';
}

/** Failed, or Stopped when somebody wanted the end. What was said once stays: the Runs that it came from may be deleted. */
function endPhase(task: Task, outcome: Outcome, before: Phase | undefined): Phase {
  if (outcome.current.some((run) => run.status?.phase === 'Failed')) return 'Failed';
  if (before === 'Failed' || before === 'Stopped') return before;
  const stopped = task.spec.stopped || outcome.current.some((run) => run.status?.phase === 'Stopped');
  return stopped ? 'Stopped' : 'Failed';
}

/** At most 20: unfinished and failed ones first, then by ordinal. */
function foldRuns(runs: readonly Run[]): TaskStatus['runs'] {
  const rank = (run: Run) => (run.status?.phase === 'Succeeded' ? 1 : 0);
  return [...runs]
    .sort((left, right) => rank(left) - rank(right) || left.spec.ordinal - right.spec.ordinal)
    .slice(0, shownRuns)
    .map(({ metadata, spec, status }) => ({
      name: metadata.name ?? '',
      ordinal: spec.ordinal,
      ...(spec.target === undefined ? {} : { target: spec.target }),
      ...(spec.point === undefined ? {} : { point: spec.point }),
      ...(spec.placement === undefined ? {} : { node: spec.placement.node }),
      phase: status?.phase ?? 'Pending',
      ...(status?.exitCode === undefined ? {} : { exitCode: status.exitCode }),
    }));
}

import {
  type Condition,
  getCondition,
  type NewCondition,
  type Run,
  setCondition,
  type TaskStatus,
} from '../../api/index.ts';
import type { FoldInput } from './fold.ts';
import { activeRuns, isDone, type Outcome } from './outcome.ts';

type Wanted = Omit<NewCondition, 'observedGeneration'>;

/**
 * Scheduled, Suspended, Complete and Failed. A condition appears when it first has something to say and is never
 * taken away afterwards (status patches merge conditions by type): it becomes False.
 */
export function foldConditions(input: FoldInput & { phase: TaskStatus['phase'] }): Condition[] {
  const { task, outcome, now, phase } = input;
  let conditions = task.status?.conditions ?? [];
  const wanted = [
    scheduled(outcome),
    optional(conditions, suspended(task.spec.suspend === true)),
    optional(conditions, complete(outcome)),
    retrying(outcome, phase) ??
      optional(conditions, failed(outcome, phase, getCondition(conditions, 'Failed'))),
  ];
  for (const condition of wanted) if (condition) conditions = setCondition(conditions, condition, now);
  return conditions;
}

/** A condition that was never True need not be there to say False. */
function optional(conditions: readonly Condition[], wanted: Wanted | undefined): Wanted | undefined {
  if (!wanted) return undefined;
  return wanted.status === 'True' || getCondition(conditions, wanted.type) ? wanted : undefined;
}

/** Left as it is while nobody has decided anything, and at the end. */
function scheduled(outcome: Outcome): Wanted | undefined {
  const active = activeRuns(outcome);
  const waiting = active.filter((run) => (run.status?.phase ?? 'Pending') === 'Pending');
  const refused = waiting.map((run) => ({ run, why: getCondition(run.status?.conditions, 'Scheduled') }));
  const first = refused.find(({ why }) => why?.status === 'False');
  if (first?.why) {
    const others =
      waiting.length > 1 ? ` (${waiting.length} runs wait; this is about ${first.run.metadata.name})` : '';
    return {
      type: 'Scheduled',
      status: 'False',
      reason: first.why.reason,
      message: `${first.why.message}${others}`,
    };
  }
  if (active.length > 0 && waiting.length === 0) {
    return {
      type: 'Scheduled',
      status: 'True',
      reason: 'RunsScheduled',
      message: haveNodes(outcome, active),
    };
  }
  return active.length === 0 ? behindLeftover(outcome) : undefined;
}

/** Runs that are not made yet wait for their turn, not for a node. */
function haveNodes({ total, current, completed, ended }: Outcome, active: readonly Run[]): string {
  const known = new Set([...completed, ...ended, ...current.map(({ spec }) => spec.ordinal)]);
  return known.size >= total
    ? 'every run has a node'
    : `every run that parallelism lets run (${active.length} now) has a node`;
}

function behindLeftover({ leftover }: Outcome): Wanted | undefined {
  if (leftover.length === 0) return undefined;
  const message = `waits for the end of runs of an earlier revision: ${namesOf(leftover)}`;
  return { type: 'Scheduled', status: 'False', reason: 'EarlierRevision', message };
}

function suspended(suspend: boolean): Wanted {
  return suspend
    ? {
        type: 'Suspended',
        status: 'True',
        reason: 'SuspendIsSet',
        message: 'spec.suspend is true: what runs is paused, nothing is started',
      }
    : { type: 'Suspended', status: 'False', reason: 'SuspendIsNotSet', message: 'spec.suspend is not true' };
}

function complete(outcome: Outcome): Wanted {
  const { completed, total } = outcome;
  if (isDone(outcome) && outcome.ended.size === 0) {
    return {
      type: 'Complete',
      status: 'True',
      reason: 'RunsSucceeded',
      message: `${total} of ${total} runs succeeded`,
    };
  }
  const message = `not all of ${total} runs have succeeded`;
  return {
    type: 'Complete',
    status: 'False',
    reason: completed.size > 0 ? 'InProgress' : 'NotCompleted',
    message,
  };
}

/**
 * True too for a Task that was stopped: whoever waits for it must not wait for ever. What was told about a failure
 * stays when the Run that it tells of is deleted.
 */
function failed(
  outcome: Outcome,
  phase: TaskStatus['phase'],
  before: Condition | undefined,
): Wanted | undefined {
  const { ended, total } = outcome;
  if (phase === 'Failed') {
    if (before?.status === 'True' && firstFailure(outcome) === '') return undefined;
    const message = `${ended.size} of ${total} runs did not succeed${firstFailure(outcome)}`;
    return { type: 'Failed', status: 'True', reason: 'RunsFailed', message };
  }
  if (phase === 'Stopped') {
    return {
      type: 'Failed',
      status: 'True',
      reason: 'Stopped',
      message: 'it was stopped before all runs succeeded',
    };
  }
  return { type: 'Failed', status: 'False', reason: 'NotFailed', message: 'it has not failed' };
}

/** Shown from the first failure on: whoever waits sees that it is not over. */
function retrying({ again }: Outcome, phase: TaskStatus['phase']): Wanted | undefined {
  if (phase === 'Stopped') return undefined;
  const first = [...again.values()].find(({ retries }) => retries > 0);
  if (!first) return undefined;
  const { metadata, status } = first.after;
  const message = `${metadata.name}: ${status?.message ?? status?.reason}; it is tried again`;
  return { type: 'Failed', status: 'False', reason: 'Retrying', message };
}

function firstFailure({ current }: Outcome): string {
  const run = current.find((candidate) => candidate.status?.phase === 'Failed');
  if (!run) return '';
  const { message, reason } = run.status ?? {};
  return `; ${run.metadata.name}: ${message ?? reason ?? 'failed'}`;
}

function namesOf(runs: readonly Run[]): string {
  const names = runs.slice(0, 3).map((run) => run.metadata.name);
  return runs.length > 3 ? `${names.join(', ')} and ${runs.length - 3} more` : names.join(', ');
}

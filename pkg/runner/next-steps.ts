import { isConditionTrue, isTerminal, parseDuration, type Run, type RunStatus } from '../api/index.ts';
import { timestamp } from '../base/index.ts';
import { type Execution, isLive } from '../executor/index.ts';
import { ranForMs, untilDeadline } from './deadlines.ts';
import type { Intent, StopReason } from './intents.ts';
import { hasJumped, type Moment } from './moments.ts';
import { lookAfterMs, type ObservedReport, observedReport } from './observed.ts';
import { concluded, outcomeOf, runningStatus } from './outcome.ts';
import { pausedStatus } from './pauses.ts';
import { refusalOf } from './refusal.ts';
import type { Situation } from './situation.ts';
import { isTroubled } from './troubles.ts';

export type Step =
  /** Write down what is about to be done; `starting`: also that `start` may be called from now on. */
  | { kind: 'RecordIntent'; starting: boolean }
  | { kind: 'MarkStarting' }
  | { kind: 'Prepare' }
  | { kind: 'CancelPrepare' }
  | { kind: 'Start' }
  | { kind: 'Adopt' }
  /** Write down since when its program runs. */
  | { kind: 'MarkRunning'; ranMs: number }
  | { kind: 'MarkStop'; reason: StopReason }
  | { kind: 'Stop'; graceMs: number }
  /** Write down since when it is paused; before it is. */
  | { kind: 'MarkPaused' }
  | { kind: 'Pause' }
  /** Write down how long it was paused; once it goes on. */
  | { kind: 'MarkResumed' }
  | { kind: 'Resume' }
  /** Write down an end that the machine has no record of. */
  | { kind: 'Conclude'; outcome: RunStatus }
  | { kind: 'Report'; status: RunStatus }
  /** Tell what the machine lets it have, of a Run that the host knows to be under way. */
  | { kind: 'ReportObserved'; status: ObservedReport }
  /** Write down that the host knows the end. */
  | { kind: 'Acknowledge'; outcome: RunStatus }
  /** Take the ended execution off the machine. */
  | { kind: 'Remove' }
  | { kind: 'RemoveLogs' }
  | { kind: 'ConfirmTornDown' }
  /** Ask the host directly whether the Run is gone. */
  | { kind: 'ConfirmGone' }
  | { kind: 'Forget' }
  /** Leave it alone and show it in the Node. */
  | { kind: 'Quarantine' }
  | { kind: 'Refuse'; reason: string; message: string }
  | { kind: 'WakeAfter'; delayMs: number };

/**
 * From the whole desired and the whole observed state of one Run to what is to be done now. One round is carried
 * out in order, then everything is observed again; no steps = converged. Rules that nothing may break: the host's
 * silence never stops anything; a program is started only if neither the machine nor the intents nor the host know
 * of an earlier start; nothing is removed before the host knows how it ended.
 */
export function nextSteps(situation: Situation): Step[] {
  const { desired, observed, memory } = situation;
  if (memory.activity) return whileBusy(situation);
  if (desired.run) {
    if (isTerminal(phaseOf(desired.run))) return afterTheEnd(situation, desired.run);
    return whileWanted(situation, desired.run);
  }
  if (desired.confirmedGone) return whenGone(situation);
  if (desired.synced) return observed.intent || observed.execution ? [{ kind: 'ConfirmGone' }] : [];
  return whileUnknown(situation);
}

function phaseOf(run: Run): RunStatus['phase'] {
  return run.status?.phase ?? 'Pending';
}

function whileBusy({ desired, memory }: Situation): Step[] {
  const cancel = memory.activity === 'Preparing' && desired.run !== undefined && isUnwanted(desired.run);
  return cancel ? [{ kind: 'CancelPrepare' }] : [];
}

function stopReasonOf({ spec }: Run): StopReason {
  return spec.evicted ? 'Drained' : 'Stopped';
}

function isUnwanted(run: Run): boolean {
  return (
    run.spec.desired === 'Stopped' || run.metadata.deletionTimestamp !== undefined || isTerminal(phaseOf(run))
  );
}

/** The host knows the end: clear up, and at a deletion leave nothing behind. */
function afterTheEnd(situation: Situation, run: Run): Step[] {
  const { intent, execution, executionKnown } = situation.observed;
  const { epoch } = situation.node;
  const acknowledge: Step[] =
    intent && intent.acknowledgedEpoch !== epoch
      ? [{ kind: 'Acknowledge', outcome: endOf(run.status as RunStatus) }]
      : [];
  if (!executionKnown) return [{ kind: 'WakeAfter', delayMs: retryMs }];
  if (isLive(execution)) return stopSteps(situation, 'Stopped');
  if (execution) return [...acknowledge, { kind: 'Remove' }];
  if (mayStillStart(situation)) return stopSteps(situation, 'Stopped');
  if (run.metadata.deletionTimestamp === undefined || isConditionTrue(run.status?.conditions, 'TornDown'))
    return acknowledge;
  return [...acknowledge, { kind: 'RemoveLogs' }, { kind: 'ConfirmTornDown' }];
}

/** Without what belongs to the host's object and not to the outcome. */
function endOf({
  session: _session,
  conditions: _conditions,
  avoid: _avoid,
  ...outcome
}: RunStatus): RunStatus {
  return outcome;
}

/** While a runtime does not answer. */
const retryMs = 5_000;

function whileWanted(situation: Situation, run: Run): Step[] {
  const { intent, execution, executionKnown } = situation.observed;
  const { epoch } = situation.node;
  if (intent?.acknowledgedEpoch === epoch) {
    // The watch is behind: the host has acknowledged the end already.
    if (isLive(execution)) return stopSteps(situation, 'Stopped');
    return execution ? [{ kind: 'Remove' }] : [];
  }
  const outcome = intent?.outcome ?? situation.memory.told;
  if (outcome) return [{ kind: 'Report', status: outcome }];
  if (!executionKnown) return whileUnobservable(situation, run);
  if (execution?.state === 'exited') return reportEnd(situation);
  if (isLive(execution)) return whileLive(situation, run);
  return beforeStart(situation, run);
}

function whileUnobservable(situation: Situation, run: Run): Step[] {
  const refusal = situation.observed.intent ? undefined : refusalOf(run, situation.node);
  return refusal ? [{ kind: 'Refuse', ...refusal }] : [{ kind: 'WakeAfter', delayMs: retryMs }];
}

function reportEnd(situation: Situation): Step[] {
  const { intent, execution } = situation.observed;
  if (!execution) return [];
  if (!intent) return [{ kind: 'RecordIntent', starting: true }];
  return [{ kind: 'Report', status: outcomeOf(execution, stopOf(situation, intent), intent) }];
}

/** When the clock may have been set after the stop was asked for, times do not tell which came first. */
function stopOf({ node }: Situation, { stopReason, stopRequestedAt, stopRequestedSince }: Intent) {
  const isSameBoot = stopRequestedSince?.bootId === node.bootId;
  const isKnown = !stopRequestedSince || (isSameBoot && !hasJumped(stopRequestedSince, momentOf(node)));
  return { stopReason, ...(isKnown ? { stopRequestedAt } : {}) };
}

function whileLive(situation: Situation, run: Run): Step[] {
  const { observed, memory, node } = situation;
  const { intent, execution } = observed;
  if (!execution) return [];
  if (!intent) return [{ kind: 'RecordIntent', starting: true }];
  const adopt: Step[] = memory.adopted ? [] : [{ kind: 'Adopt' }];
  if (isUnwanted(run)) return [...adopt, ...stopSteps(situation, stopReasonOf(run))];
  const report = reportLive(situation, run, intent, execution);
  const timeoutMs = intent.timeoutMs ?? timeoutOf(run);
  const mark = markRunning(situation, execution, intent, timeoutMs);
  if (mark.length > 0) return [...adopt, ...report, ...mark];
  const deadline = untilDeadline(execution, intent, timeoutMs, momentOf(node));
  if (intent.stopReason || (deadline !== undefined && deadline <= 0))
    return [...adopt, ...report, ...stopSteps(situation, 'DeadlineExceeded')];
  if (run.spec.desired === 'Paused') return [...adopt, ...report, ...pauseSteps(intent, execution)];
  const wake = [deadline, lookAfterMs(execution, node.nowMs)].filter((delayMs) => delayMs !== undefined);
  return [...adopt, ...report, ...resumeSteps(intent, execution), ...wake.map(wakeAfter)];
}

function wakeAfter(delayMs: number): Step {
  return { kind: 'WakeAfter', delayMs };
}

/** Running comes before Paused, also where the host was never told of it; a pause is told when it is wanted and so. */
function reportLive(situation: Situation, run: Run, intent: Intent, execution: Execution): Step[] {
  const phase = phaseOf(run);
  const isPaused =
    run.spec.desired === 'Paused' && execution.state === 'paused' && intent.pausedAt !== undefined;
  const goesOn = execution.state === 'running' && intent.pausedAt === undefined;
  if (phase === 'Running' && isPaused)
    return [{ kind: 'Report', status: pausedStatus(intent, situation.node.nowMs) }];
  const isOver = goesOn && run.spec.desired === 'Running' && run.status && isTroubled(run.status);
  const { memory, node } = situation;
  const observed = observedReport(run, intent.spec, execution, memory.astray, node.nowMs);
  if ((phase === 'Running' && !isOver) || (phase === 'Paused' && !goesOn))
    return Object.keys(observed).length > 0 ? [{ kind: 'ReportObserved', status: observed }] : [];
  return [{ kind: 'Report', status: { ...runningStatus(execution, intent), ...observed } }];
}

function pauseSteps(intent: Intent, execution: Execution): Step[] {
  const mark: Step[] = intent.pausedAt === undefined ? [{ kind: 'MarkPaused' }] : [];
  return execution.state === 'paused' ? mark : [...mark, { kind: 'Pause' }];
}

function resumeSteps(intent: Intent, execution: Execution): Step[] {
  if (execution.state === 'paused') return [{ kind: 'Resume' }];
  return intent.pausedAt === undefined ? [] : [{ kind: 'MarkResumed' }];
}

function timeoutOf(run: Run): number | undefined {
  return run.spec.timeout === undefined ? undefined : parseDuration(run.spec.timeout);
}

function momentOf({ nowMs, monotonicMs, bootId }: Situation['node']): Moment {
  return { wallMs: nowMs, monotonicMs, bootId };
}

/** Once for each Run that has a timeout, when its program is first seen. */
function markRunning(
  { node }: Situation,
  execution: Execution,
  intent: Intent,
  timeoutMs: number | undefined,
): Step[] {
  const isKnown = intent.runningSince !== undefined || intent.pausedAt !== undefined;
  if (timeoutMs === undefined || execution.startedAt === undefined || isKnown) return [];
  return [{ kind: 'MarkRunning', ranMs: ranForMs(execution, intent, momentOf(node)) }];
}

/** A stop that was begun is carried on with its first reason, also by a runner that was restarted meanwhile. */
function stopSteps({ observed, node }: Situation, reason: StopReason): Step[] {
  const mark: Step[] = observed.intent && !observed.intent.stopReason ? [{ kind: 'MarkStop', reason }] : [];
  return [...mark, { kind: 'Stop', graceMs: node.stopGraceMs }];
}

/** The machine shows nothing, or something that was made and never started. */
function beforeStart(situation: Situation, run: Run): Step[] {
  const { observed, memory, node } = situation;
  const { intent, execution } = observed;
  if (isUnwanted(run)) return withoutStart(situation, stopReasonOf(run));
  if (memory.failure)
    return conclude(
      situation,
      concluded('Failed', memory.failure.reason, memory.failure.message, node.nowMs),
    );
  if (!execution && wasStartedBefore(situation, run)) {
    const rebooted = intent?.startBootId !== undefined && intent.startBootId !== node.bootId;
    if (!rebooted) return conclude(situation, recordLost(node.nowMs));
    const message = 'The node restarted around the start of the program.';
    return conclude(situation, concluded('Failed', 'NodeRestarted', message, node.nowMs));
  }
  if (!execution && intent?.startBootId !== undefined && intent.epoch !== node.epoch) {
    // The host that was restored since may have been told that it runs. Where it was not, a start may be on its way.
    if (memory.stopped) return conclude(situation, recordLost(node.nowMs));
    return [{ kind: 'Stop', graceMs: node.stopGraceMs }];
  }
  const refusal = intent ? undefined : refusalOf(run, node);
  if (refusal) return [{ kind: 'Refuse', ...refusal }];
  // Rather than hold what it was given; a start that may be on its way is carried out, and its program paused.
  if (run.spec.desired === 'Paused' && !intent?.startBootId)
    return conclude(situation, concluded('Stopped', 'Suspended', suspendedMessage, node.nowMs));
  return startSteps(situation, run);
}

function recordLost(nowMs: number): RunStatus {
  return concluded('Failed', 'RecordLost', 'The node has lost its records of this run.', nowMs);
}

const suspendedMessage =
  'The task was suspended before the program started; another run takes its place when it is resumed.';

/**
 * With nothing on the machine: a start that was called in an earlier boot may have been carried out and wiped out by
 * the reboot; one in this boot whose answer never came has not been, or the machine would show it. One that was
 * answered, or that was seen, or that the host was told of, has been: its record was removed behind our back.
 */
function wasStartedBefore({ observed, memory, node }: Situation, run: Run): boolean {
  const { intent } = observed;
  if (intent?.startBootId !== undefined && intent.startBootId !== node.bootId) return true;
  if (memory.started || memory.adopted) return true;
  const phase = phaseOf(run);
  if (phase === 'Running' || phase === 'Paused' || run.status?.startedAt !== undefined) return true;
  return !intent && phase === 'Starting';
}

function startSteps({ observed, memory }: Situation, run: Run): Step[] {
  const { intent } = observed;
  if (run.spec.runtime === 'docker' && !memory.prepared) {
    const record: Step[] = intent ? [] : [{ kind: 'RecordIntent', starting: false }];
    return [...record, { kind: 'Prepare' }];
  }
  if (!intent) return [{ kind: 'RecordIntent', starting: true }, { kind: 'Start' }];
  return intent.startBootId ? [{ kind: 'Start' }] : [{ kind: 'MarkStarting' }, { kind: 'Start' }];
}

/** To be stopped before it ran. A start that may be on its way is called off on the machine first. */
function withoutStart(situation: Situation, reason: StopReason): Step[] {
  const { observed, memory, node } = situation;
  if (observed.intent?.startBootId && !memory.stopped) return stopSteps(situation, reason);
  return conclude(
    situation,
    concluded('Stopped', reason, 'The run was stopped before its program started.', node.nowMs),
  );
}

/** Its end was decided without its runner: a start that one before this has asked for may be on its way. */
function mayStillStart({ observed: { intent }, memory, node }: Situation): boolean {
  return intent?.startBootId === node.bootId && intent.acknowledgedEpoch === undefined && !memory.stopped;
}

function conclude({ observed }: Situation, outcome: RunStatus): Step[] {
  return observed.intent ? [{ kind: 'Conclude', outcome }] : [{ kind: 'Report', status: outcome }];
}

/** The host has no such Run. After a restore from a backup that may be its loss, not a deletion: hands off. */
function whenGone(situation: Situation): Step[] {
  const { observed, memory, node } = situation;
  const { intent, execution, executionKnown } = observed;
  const sameEpoch = intent?.epoch === node.epoch;
  if (!executionKnown) return [{ kind: 'WakeAfter', delayMs: retryMs }];
  if (execution && !sameEpoch) return memory.quarantined ? [] : [{ kind: 'Quarantine' }];
  if (isLive(execution)) return stopSteps(situation, 'Stopped');
  if (execution) return [{ kind: 'Remove' }];
  if (!intent) return [];
  if (sameEpoch && mayStillStart(situation)) return stopSteps(situation, 'Stopped');
  return sameEpoch ? [{ kind: 'RemoveLogs' }, { kind: 'Forget' }] : [{ kind: 'Forget' }];
}

/** The host has not been heard yet: go on with what is known, start nothing and remove nothing. */
function whileUnknown(situation: Situation): Step[] {
  const { observed, memory, node } = situation;
  const { intent, execution } = observed;
  if (!intent || intent.acknowledgedEpoch) return [];
  if (intent.outcome) return [{ kind: 'Report', status: intent.outcome }];
  if (execution?.state === 'exited')
    return [{ kind: 'Report', status: outcomeOf(execution, stopOf(situation, intent), intent) }];
  if (!execution || !isLive(execution)) return [];
  const adopt: Step[] = memory.adopted ? [] : [{ kind: 'Adopt' }];
  const mark = markRunning(situation, execution, intent, intent.timeoutMs);
  if (mark.length > 0) return [...adopt, ...mark];
  const deadline = untilDeadline(execution, intent, intent.timeoutMs, momentOf(node));
  if (intent.stopReason || (deadline !== undefined && deadline <= 0))
    return [...adopt, ...stopSteps(situation, 'DeadlineExceeded')];
  // A pause that was begun is carried on.
  if (intent.pausedAt !== undefined) return [...adopt, ...pauseSteps(intent, execution)];
  return deadline === undefined ? adopt : [...adopt, { kind: 'WakeAfter', delayMs: deadline }];
}

/** The condition that lets the reaper take the finalizer off. */
export function tornDownStatus(nowMs: number): Pick<RunStatus, 'conditions'> {
  return {
    conditions: [
      {
        type: 'TornDown',
        status: 'True',
        reason: 'Removed',
        message: 'Nothing of the run is left on its node.',
        lastTransitionTime: timestamp(nowMs),
      },
    ],
  };
}

import { describe, expect, test } from 'vitest';
import type { Run, RunStatus } from '../api/index.ts';
import type { Execution, ExecutionSpec } from '../executor/index.ts';
import type { Intent } from './intents.ts';
import { nextSteps } from './next-steps.ts';
import { knownPauses } from './pauses.ts';
import type { Situation } from './situation.ts';

const observed = { cpus: '0-1', memoryNodes: '0' };
const now = Date.parse('2026-11-22T10:00:00Z');

function aRun(
  status: Partial<RunStatus> = {},
  spec: Partial<Run['spec']> = {},
  metadata: Run['metadata'] = {},
): Run {
  return {
    apiVersion: 'river.dev/v1',
    kind: 'Run',
    metadata: { uid: 'u1', namespace: 'default', name: 'r1', resourceVersion: '5', ...metadata },
    spec: { task: 't', revision: 1, ordinal: 0, attempt: 0, desired: 'Running', runtime: 'process', ...spec },
    status: { phase: 'Scheduled', observed, ...status },
  };
}

const deleted = { deletionTimestamp: '2026-11-22T09:59:00.000Z' };
const stopped = { desired: 'Stopped' as const };

function anIntent(more: Partial<Intent> = {}): Intent {
  return {
    uid: 'u1',
    namespace: 'default',
    name: 'r1',
    runtime: 'process',
    spec: {} as ExecutionSpec,
    outPath: '/l/r1.out',
    errPath: '/l/r1.err',
    epoch: 'e1',
    runningSince: { wallMs: now - 5000, monotonicMs: 995_000, bootId: 'b1' },
    ...more,
  };
}
const started = (more: Partial<Intent> = {}) => anIntent({ startBootId: 'b1', ...more });

function execution(state: Execution['state'], more: Partial<Execution> = {}): Execution {
  const seen = state === 'exited' ? {} : { observed };
  return { runUid: 'u1', namespace: 'default', runName: 'r1', state, ...seen, ...more };
}
const running = (more: Partial<Execution> = {}) => execution('running', { startedAt: now - 5000, ...more });
const exited = (more: Partial<Execution> = {}) =>
  execution('exited', { startedAt: now - 5000, finishedAt: now - 1000, exitCode: 0, ...more });

interface Given {
  run?: Run;
  synced?: boolean;
  gone?: boolean;
  intent?: Intent;
  execution?: Execution;
  known?: boolean;
  memory?: Partial<Situation['memory']>;
  node?: Partial<Situation['node']>;
}

function plan(given: Given) {
  return nextSteps({
    desired: { run: given.run, synced: given.synced ?? true, confirmedGone: given.gone ?? false },
    observed: { intent: given.intent, execution: given.execution, executionKnown: given.known ?? true },
    memory: {
      prepared: false,
      adopted: given.execution !== undefined,
      started: false,
      stopped: false,
      quarantined: false,
      ...given.memory,
    },
    node: {
      nowMs: now,
      monotonicMs: 1_000_000,
      bootId: 'b1',
      epoch: 'e1',
      runtimeEnabled: true,
      notReadyMs: 0,
      stopGraceMs: 10_000,
      ...given.node,
    },
  });
}

/** `Kind`, with what matters of a report or an outcome behind it. */
function words(given: Given): string[] {
  return plan(given).map((step) => {
    const status = step.kind === 'Report' ? step.status : 'outcome' in step ? step.outcome : undefined;
    if (status) return `${step.kind} ${status.phase} ${status.reason}`;
    if (step.kind === 'MarkStop' || step.kind === 'Refuse') return `${step.kind} ${step.reason}`;
    if (step.kind === 'RecordIntent') return step.starting ? 'RecordIntent starting' : 'RecordIntent';
    return step.kind;
  });
}

const table = (rows: [string, Given, string[]][]) =>
  test.each(rows)('%s', (_name, given, wanted) => expect(words(given)).toEqual(wanted));

describe('a start', () => {
  const docker = { runtime: 'docker' as const };
  table([
    ['process: recorded before it happens', { run: aRun() }, ['RecordIntent starting', 'Start']],
    ['docker: prepares first', { run: aRun({}, docker) }, ['RecordIntent', 'Prepare']],
    ['docker: prepares again after a crash', { run: aRun({}, docker), intent: started() }, ['Prepare']],
    [
      'docker: prepared',
      { run: aRun({}, docker), intent: anIntent(), memory: { prepared: true } },
      ['MarkStarting', 'Start'],
    ],
    ['tried again in the same boot', { run: aRun(), intent: started() }, ['Start']],
    [
      'made, never started, also after a reboot',
      { run: aRun(), intent: started(), execution: execution('created'), node: { bootId: 'b2' } },
      ['Start'],
    ],
    [
      'not again after a reboot',
      { run: aRun(), intent: started(), node: { bootId: 'b2' } },
      ['Conclude Failed NodeRestarted'],
    ],
    [
      'recorded only, reboot: nothing was started',
      { run: aRun(), intent: anIntent(), node: { bootId: 'b2' } },
      ['MarkStarting', 'Start'],
    ],
    [
      'not again when the host knows of one and all records are lost',
      { run: aRun({ phase: 'Running' }) },
      ['Report Failed RecordLost'],
    ],
    [
      'not again when a Lost one had started',
      { run: aRun({ phase: 'Lost', startedAt: 'x' }) },
      ['Report Failed RecordLost'],
    ],
    [
      'not again when the machine had answered',
      { run: aRun(), intent: started(), memory: { started: true } },
      ['Conclude Failed RecordLost'],
    ],
    [
      'not again when this runner had seen it, whatever it has heard of the host',
      { run: aRun(), intent: started(), memory: { adopted: true } },
      ['Conclude Failed RecordLost'],
    ],
    [
      'not again when it was removed by hand',
      { run: aRun({ phase: 'Running' }), intent: started() },
      ['Conclude Failed RecordLost'],
    ],
    [
      'called for a host that was restored since: whatever of it is on its way is called off first',
      { run: aRun(), intent: started(), node: { epoch: 'e2' } },
      ['Stop'],
    ],
    [
      'not again after a restore of the host: it may have run and been removed by hand',
      { run: aRun(), intent: started(), node: { epoch: 'e2' }, memory: { stopped: true } },
      ['Conclude Failed RecordLost'],
    ],
    [
      'recorded only, for a host that was restored since',
      { run: aRun(), intent: anIntent(), node: { epoch: 'e2' } },
      ['MarkStarting', 'Start'],
    ],
    [
      'said to be Starting, never answered',
      { run: aRun({ phase: 'Starting' }), intent: started() },
      ['Start'],
    ],
    [
      'of one that was Lost before it came here',
      { run: aRun({ phase: 'Lost' }) },
      ['RecordIntent starting', 'Start'],
    ],
    [
      'while one is under way nothing',
      { run: aRun(), intent: started(), memory: { activity: 'Starting' } },
      [],
    ],
    [
      'failed for good',
      { run: aRun(), intent: started(), memory: { failure: { reason: 'X', message: 'm' } } },
      ['Conclude Failed X'],
    ],
    [
      'cannot even be recorded',
      { run: aRun(), memory: { failure: { reason: 'X', message: 'm' } } },
      ['Report Failed X'],
    ],
    ['nothing while the runtime does not answer', { run: aRun(), known: false }, ['WakeAfter']],
  ]);
});

describe('refusal', () => {
  const off = { runtimeEnabled: false };
  table([
    ['of a runtime that is not allowed', { run: aRun(), node: off }, ['Refuse RuntimeNotAllowed']],
    [
      'of what a newer host asks for and this runner does not know',
      { run: aRun({}, { placement: { node: 'n1', teleport: true }, hologram: 1 } as object) },
      ['Refuse UnknownFields'],
    ],
    [
      'not of what a newer host only shows',
      { run: aRun({ mood: 'good' } as object, {}, { weather: 'fine' } as object), node: off },
      ['Refuse RuntimeNotAllowed'],
    ],
    [
      'never of what was recorded',
      { run: aRun(), intent: started(), node: off, known: false },
      ['WakeAfter'],
    ],
    [
      'never once it has left Scheduled',
      { run: aRun({ phase: 'Lost' }), known: false, node: { notReadyMs: 1e6 } },
      ['WakeAfter'],
    ],
    [
      'after patience',
      { run: aRun(), known: false, node: { notReadyMs: 121_000 } },
      ['Refuse RuntimeNotReady'],
    ],
    ['not before', { run: aRun(), known: false, node: { notReadyMs: 60_000 } }, ['WakeAfter']],
    [
      'not with nowhere else to go',
      { run: aRun({}, { target: 'n1' }), known: false, node: { notReadyMs: 121_000 } },
      ['WakeAfter'],
    ],
    ['not of what is to be stopped', { run: aRun({}, stopped), node: off }, ['Report Stopped Stopped']],
  ]);
});

describe('a clock that is set', () => {
  const timeout = { timeout: '60s' };
  const run = aRun({ phase: 'Running' }, timeout);
  const hour = 3_600_000;
  const at = (wallMs: number, monotonicMs: number) => ({ wallMs, monotonicMs, bootId: 'b1' });

  test.each([-hour, hour])('by %i ms: the time of a run goes on as before', (jump) => {
    const node = { nowMs: now + jump };
    expect(plan({ run, intent: started(), execution: running(), node })).toEqual([
      { kind: 'WakeAfter', delayMs: 55_000 },
    ]);
  });

  test('before its program was first seen: it has all of its time', () => {
    const intent = started({ runningSince: undefined, startingAt: at(now - 6_000, 994_000) });
    const mark = (given: Given) => plan({ run, intent, execution: running(), ...given });
    expect(mark({})).toEqual([{ kind: 'MarkRunning', ranMs: 5_000 }]);
    expect(mark({ node: { nowMs: now + hour } })).toEqual([{ kind: 'MarkRunning', ranMs: 0 }]);
    // Set back for a moment, just when the program was started.
    const early = { ...running(), startedAt: now - hour };
    expect(mark({ execution: early })).toEqual([{ kind: 'MarkRunning', ranMs: 0 }]);
  });

  test('after a stop was asked for: what ended is what was stopped', () => {
    const stop = { stopReason: 'Stopped' as const, stopRequestedAt: now + hour };
    const stopRequestedSince = at(now + hour, 999_000);
    const intent = started({ ...stop, stopRequestedSince });
    const execution = exited({ exitCode: undefined, signal: 'SIGTERM' });
    expect(words({ run, intent, execution })).toEqual(['Report Stopped Stopped']);
    const steady = { ...intent, stopRequestedSince: at(now + hour, 1_000_000 + hour) };
    expect(words({ run, intent: steady, execution })).toEqual(['Report Failed Signalled']);
    // Over a restart of the machine nobody can tell whether it was set.
    const rebooted = { ...intent, stopRequestedSince: { ...at(now, 1_000), bootId: 'b0' } };
    expect(words({ run, intent: rebooted, execution })).toEqual(['Report Stopped Stopped']);
  });
});

describe('while it runs', () => {
  const phase = { phase: 'Running' as const };
  table([
    ['reports', { run: aRun(), intent: started(), execution: running() }, ['Report Running Started']],
    ['converged', { run: aRun(phase), intent: started(), execution: running() }, []],
    [
      'back from Lost',
      { run: aRun({ phase: 'Lost' }), intent: started(), execution: running() },
      ['Report Running Started'],
    ],
    [
      'adopts',
      { run: aRun(phase), intent: started(), execution: running(), memory: { adopted: false } },
      ['Adopt'],
    ],
    ['adopts without a record', { run: aRun(phase), execution: running() }, ['RecordIntent starting']],
    [
      'waits for the deadline',
      { run: aRun(phase), intent: started({ timeoutMs: 8000 }), execution: running() },
      ['WakeAfter'],
    ],
    [
      'deadline',
      { run: aRun(phase), intent: started({ timeoutMs: 5000 }), execution: running() },
      ['MarkStop DeadlineExceeded', 'Stop'],
    ],
    [
      'stop',
      { run: aRun(phase, stopped), intent: started(), execution: running() },
      ['MarkStop Stopped', 'Stop'],
    ],
    [
      'deletion',
      { run: aRun(phase, {}, deleted), intent: started(), execution: running() },
      ['MarkStop Stopped', 'Stop'],
    ],
    [
      'a stop goes on after a restart, with its reason',
      {
        run: aRun(phase),
        intent: started({ stopReason: 'DeadlineExceeded' }),
        execution: running(),
        memory: { adopted: false },
      },
      ['Adopt', 'Stop'],
    ],
    [
      'ended on the host: stopped here',
      { run: aRun({ phase: 'Failed' }), intent: started(), execution: running() },
      ['MarkStop Stopped', 'Stop'],
    ],
    [
      'a preparation is given up',
      { run: aRun({}, stopped), intent: anIntent(), memory: { activity: 'Preparing' } },
      ['CancelPrepare'],
    ],
    ['a stop under way', { run: aRun({}, stopped), intent: started(), memory: { activity: 'Stopping' } }, []],
  ]);
  test('the deadline counts from the start', () => {
    const steps = plan({ run: aRun(phase), intent: started({ timeoutMs: 8000 }), execution: running() });
    expect(steps).toEqual([{ kind: 'WakeAfter', delayMs: 3000 }]);
  });
});

describe('to be stopped before it ran', () => {
  table([
    ['nothing recorded', { run: aRun({}, stopped) }, ['Report Stopped Stopped']],
    ['recorded', { run: aRun({}, stopped), intent: anIntent() }, ['Conclude Stopped Stopped']],
    [
      'perhaps on its way: called off',
      { run: aRun({}, stopped), intent: started() },
      ['MarkStop Stopped', 'Stop'],
    ],
    [
      'called off',
      { run: aRun({}, stopped), intent: started({ stopReason: 'Stopped' }), memory: { stopped: true } },
      ['Conclude Stopped Stopped'],
    ],
  ]);
});

describe('an end', () => {
  const end = (how: Partial<Execution>, intent: Partial<Intent> = {}): Given => ({
    run: aRun({ phase: 'Running' }),
    intent: started(intent),
    execution: exited({ exitCode: undefined, ...how }),
  });
  const stop = { stopRequestedAt: now - 2000 };
  table([
    ['0', end({ exitCode: 0 }), ['Report Succeeded Completed']],
    ['3', end({ exitCode: 3 }), ['Report Failed NonZeroExit']],
    ['signal', end({ signal: 'SIGSEGV' }), ['Report Failed Signalled']],
    ['memory', end({ signal: 'SIGKILL', oomKilled: true }), ['Report Failed OOMKilled']],
    [
      'never started',
      end({ startError: { reason: 'CommandNotFound', message: 'm' } }),
      ['Report Failed CommandNotFound'],
    ],
    ['reboot', end({ unknownEnd: 'NodeRestarted' }), ['Report Failed NodeRestarted']],
    ['lost', end({ unknownEnd: 'RecordLost' }), ['Report Failed RecordLost']],
    ['stopped', end({ signal: 'SIGTERM' }, { stopReason: 'Stopped', ...stop }), ['Report Stopped Stopped']],
    [
      'stopped, by a coarse clock',
      end({ signal: 'SIGTERM', finishedAt: now - 2004 }, { stopReason: 'Stopped', ...stop }),
      ['Report Stopped Stopped'],
    ],
    [
      'stopped and well-behaved',
      end({ exitCode: 0 }, { stopReason: 'Stopped', ...stop }),
      ['Report Stopped Stopped'],
    ],
    [
      'deadline',
      end({ exitCode: 0 }, { stopReason: 'DeadlineExceeded', ...stop }),
      ['Report Failed DeadlineExceeded'],
    ],
    [
      'by itself, just before the stop',
      end({ exitCode: 3 }, { stopReason: 'Stopped', stopRequestedAt: now }),
      ['Report Failed NonZeroExit'],
    ],
    [
      'of a Run without a record',
      { run: aRun({ phase: 'Running' }), execution: exited() },
      ['RecordIntent starting'],
    ],
    [
      'decided earlier',
      { run: aRun(), intent: started({ outcome: { phase: 'Failed', reason: 'X' } }) },
      ['Report Failed X'],
    ],
    [
      'forgotten by a restored host',
      {
        run: aRun(),
        intent: started({ outcome: { phase: 'Failed', reason: 'X' }, acknowledgedEpoch: 'e0' }),
      },
      ['Report Failed X'],
    ],
  ]);
});

describe('after the end', () => {
  const over = { phase: 'Succeeded' as const, reason: 'Completed' };
  const known = started({ acknowledgedEpoch: 'e1', outcome: over });
  table([
    ['never started again by a watch that is behind', { run: aRun({ phase: 'Running' }), intent: known }, []],
    ['nor when it shows Scheduled', { run: aRun(), intent: known }, []],
    ['removed', { run: aRun({ phase: 'Running' }), intent: known, execution: exited() }, ['Remove']],
    [
      'acknowledged by the host, not yet on record',
      { run: aRun(over), intent: started(), execution: exited() },
      ['Acknowledge Succeeded Completed', 'Remove'],
    ],
    ['converged', { run: aRun(over), intent: known }, []],
    ['deleted', { run: aRun(over, {}, deleted), intent: known }, ['RemoveLogs', 'ConfirmTornDown']],
    [
      'deleted, still there',
      { run: aRun(over, {}, deleted), intent: known, execution: exited() },
      ['Remove'],
    ],
    [
      'decided without its runner, perhaps on its way: called off',
      { run: aRun({ phase: 'Failed', reason: 'Fenced' }), intent: started() },
      ['MarkStop Stopped', 'Stop'],
    ],
    [
      'decided without its runner, called off',
      { run: aRun({ phase: 'Failed', reason: 'Fenced' }), intent: started(), memory: { stopped: true } },
      ['Acknowledge Failed Fenced'],
    ],
    [
      'decided without its runner, asked for in an earlier boot',
      { run: aRun({ phase: 'Failed', reason: 'Fenced' }), intent: started({ startBootId: 'b0' }) },
      ['Acknowledge Failed Fenced'],
    ],
    ['deleted, never known here', { run: aRun(over, {}, deleted) }, ['RemoveLogs', 'ConfirmTornDown']],
    ['deleted, runtime does not answer', { run: aRun(over, {}, deleted), known: false }, ['WakeAfter']],
    [
      'torn down',
      {
        run: aRun(
          {
            ...over,
            conditions: [
              { type: 'TornDown', status: 'True', reason: 'R', message: '', lastTransitionTime: 'x' },
            ],
          },
          {},
          deleted,
        ),
        intent: known,
      },
      [],
    ],
  ]);
});

describe('a Run that the host does not show', () => {
  table([
    ['nothing here', {}, []],
    ['asks first', { intent: started(), execution: running() }, ['ConfirmGone']],
    ['asks first, also without a record', { execution: running() }, ['ConfirmGone']],
    ['gone: stopped', { gone: true, intent: started(), execution: running() }, ['MarkStop Stopped', 'Stop']],
    ['gone: removed', { gone: true, intent: started(), execution: exited() }, ['Remove']],
    ['gone, perhaps on its way: called off', { gone: true, intent: started() }, ['MarkStop Stopped', 'Stop']],
    [
      'gone: forgotten',
      { gone: true, intent: started(), memory: { stopped: true } },
      ['RemoveLogs', 'Forget'],
    ],
    [
      'gone since a restore: left alone',
      { gone: true, intent: started({ epoch: 'e0' }), execution: running() },
      ['Quarantine'],
    ],
    [
      'left alone, once',
      { gone: true, intent: started({ epoch: 'e0' }), execution: exited(), memory: { quarantined: true } },
      [],
    ],
    ['gone, of unknown origin: left alone', { gone: true, execution: exited() }, ['Quarantine']],
    [
      'gone since a restore, nothing here: output stays',
      { gone: true, intent: started({ epoch: 'e0' }) },
      ['Forget'],
    ],
    ['gone, runtime does not answer', { gone: true, intent: started(), known: false }, ['WakeAfter']],
  ]);
});

describe('a host that has not been heard', () => {
  const silent = { synced: false };
  table([
    ['never starts', { ...silent, intent: started() }, []],
    ['never removes what it does not know', { ...silent, execution: exited() }, []],
    ['never stops', { ...silent, intent: started(), execution: running() }, []],
    ['adopts', { ...silent, intent: started(), execution: running(), memory: { adopted: false } }, ['Adopt']],
    [
      'reports the end',
      { ...silent, intent: started(), execution: exited() },
      ['Report Succeeded Completed'],
    ],
    [
      'reports what was decided',
      { ...silent, intent: started({ outcome: { phase: 'Failed', reason: 'X' } }) },
      ['Report Failed X'],
    ],
    [
      'keeps the deadline',
      { ...silent, intent: started({ timeoutMs: 5000 }), execution: running() },
      ['MarkStop DeadlineExceeded', 'Stop'],
    ],
    [
      'acknowledged: nothing',
      { ...silent, intent: started({ acknowledgedEpoch: 'e1' }), execution: exited() },
      [],
    ],
  ]);
});

describe('a pause', () => {
  const suspended = { desired: 'Paused' as const };
  const paused = (more: Partial<Execution> = {}) => execution('paused', { startedAt: now - 5000, ...more });
  const pausing = (more: Partial<Intent> = {}) => started({ pausedAt: now - 3000, ...more });
  table([
    [
      'is written down before it happens',
      { run: aRun({ phase: 'Running' }, suspended), intent: started(), execution: running() },
      ['MarkPaused', 'Pause'],
    ],
    [
      'is told once it is so',
      { run: aRun({ phase: 'Running' }, suspended), intent: pausing(), execution: paused() },
      ['Report Paused Paused'],
    ],
    [
      'told: nothing to do',
      { run: aRun({ phase: 'Paused' }, suspended), intent: pausing(), execution: paused() },
      [],
    ],
    [
      'is carried on after a crash, also while the host is away',
      { synced: false, intent: pausing(), execution: running() },
      ['Pause'],
    ],
    ['stays while the host is away', { synced: false, intent: pausing(), execution: paused() }, []],
    [
      'is done again when somebody has ended it by hand',
      { run: aRun({ phase: 'Paused' }, suspended), intent: pausing(), execution: running() },
      ['Pause'],
    ],
    [
      'comes after Running, also for one that was Lost',
      { run: aRun({ phase: 'Lost' }, suspended), intent: pausing(), execution: paused() },
      ['Report Running Started'],
    ],
    [
      'its end: first it goes on',
      { run: aRun({ phase: 'Paused' }), intent: pausing(), execution: paused() },
      ['Resume'],
    ],
    [
      'its end: then its time is added up',
      { run: aRun({ phase: 'Paused' }), intent: pausing(), execution: running() },
      ['MarkResumed'],
    ],
    [
      'its end: then it is told',
      { run: aRun({ phase: 'Paused' }), intent: started({ pausedMs: 3000 }), execution: running() },
      ['Report Running Resumed'],
    ],
    [
      'a stop ends it',
      { run: aRun({ phase: 'Paused' }, stopped), intent: pausing(), execution: paused() },
      ['MarkStop Stopped', 'Stop'],
    ],
    [
      'a deletion ends it',
      { run: aRun({ phase: 'Paused' }, suspended, deleted), intent: pausing(), execution: paused() },
      ['MarkStop Stopped', 'Stop'],
    ],
    [
      'its time does not run: no deadline while it lasts',
      {
        run: aRun({ phase: 'Paused' }, suspended),
        intent: pausing({ timeoutMs: 1000 }),
        execution: paused(),
      },
      [],
    ],
    [
      'its time does not count afterwards',
      {
        run: aRun({ phase: 'Running' }),
        intent: started({ timeoutMs: 4000, pausedMs: 3000 }),
        execution: running(),
      },
      ['WakeAfter'],
    ],
    [
      'a time that is over is over, pauses taken off',
      {
        run: aRun({ phase: 'Running' }),
        intent: started({ timeoutMs: 2000, pausedMs: 3000 }),
        execution: running(),
      },
      ['MarkStop DeadlineExceeded', 'Stop'],
    ],
    ['before the start: given back, not held', { run: aRun({}, suspended) }, ['Report Stopped Suspended']],
    [
      'given back, and wanted again before the host has answered: it is not started after all',
      { run: aRun(), memory: { told: { phase: 'Stopped', reason: 'Suspended' } } },
      ['Report Stopped Suspended'],
    ],
    [
      'before the start, prepared',
      { run: aRun({}, { ...suspended, runtime: 'docker' }), intent: anIntent(), memory: { prepared: true } },
      ['Conclude Stopped Suspended'],
    ],
    [
      'a start that may be on its way is carried out first',
      { run: aRun({}, suspended), intent: started() },
      ['Start'],
    ],
    [
      'the end of one that was killed meanwhile',
      { run: aRun({ phase: 'Paused' }, suspended), intent: pausing(), execution: exited({ exitCode: 1 }) },
      ['Report Failed NonZeroExit'],
    ],
  ]);

  test('a runner that has lost its records goes by what the host was told', () => {
    const told = aRun({ phase: 'Paused', pausedAt: '2026-11-22T09:59:00.000Z', pausedMs: 7 });
    expect(knownPauses(told)).toEqual({ pausedAt: now - 60_000, pausedMs: 7 });
    expect(knownPauses(aRun({ phase: 'Running', pausedAt: '2026-11-22T09:59:00.000Z' }))).toEqual({});
  });

  test('the last status says how long it was paused in all', () => {
    const [report] = plan({
      run: aRun({ phase: 'Paused' }),
      intent: pausing({ pausedMs: 500 }),
      execution: exited(),
    });
    expect(report).toMatchObject({ kind: 'Report', status: { pausedMs: 2500 } });
  });
});

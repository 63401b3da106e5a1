import { describe, expect, test } from 'vitest';
import {
  apiVersion,
  buildRun,
  isConditionTrue,
  type Run,
  type RunPhase,
  type Task,
  type TaskSpec,
  type TaskStatus,
} from '../../api/index.ts';
import { planTask } from './plan.ts';

const now = '2026-11-22T00:00:00.000Z';

function task(spec: Partial<TaskSpec> = {}, status?: TaskStatus, generation = 1): Task {
  const metadata = { name: 't', namespace: 'default', uid: 'uid-1', generation };
  return {
    apiVersion,
    kind: 'Task',
    metadata,
    spec: { command: ['true'], runtime: 'process', ...spec },
    status,
  };
}

/** The Task with the status that the plan wants, and the Runs that it makes: what the next look sees. */
function carriedOut(before: Task, runs: readonly Run[] = []): { task: Task; runs: Run[] } {
  const plan = planTask(before, runs, now);
  return { task: { ...before, status: plan.status }, runs: [...runs, ...plan.start] };
}

function as(
  run: Run | undefined,
  phase: RunPhase,
  more: Partial<NonNullable<Run['status']>> = {},
  node?: string,
): Run {
  const known = run as Run;
  const placement = node === undefined ? {} : { placement: { node } };
  return { ...known, spec: { ...known.spec, ...placement }, status: { ...known.status, phase, ...more } };
}

const three = { targets: ['a', 'b', 'c'] as [string, ...string[]] };

describe('planTask', () => {
  test('a new Task: revision 1 in status, one Run a target', () => {
    const plan = planTask(task(three), [], now);
    expect(plan.status).toMatchObject({
      revision: 1,
      phase: 'Pending',
      active: 3,
      total: 3,
      observedGeneration: 1,
    });
    expect(plan.start.map((run) => [run.spec.ordinal, run.spec.target, run.spec.revision])).toEqual([
      [0, 'a', 1],
      [1, 'b', 1],
      [2, 'c', 1],
    ]);
    expect(plan.status.runs?.map((run) => run.name)).toEqual(plan.start.map((run) => run.metadata.name));
  });

  test('the same facts again: no step, and the same status to the letter', () => {
    const first = carriedOut(task(three));
    const second = planTask(first.task, first.runs, '2026-11-22T01:00:00.000Z');
    expect(second).toEqual({ status: first.task.status, start: [], want: [], settle: [] });
  });

  test('a change of what runs: a new revision whose Runs wait for the end of the old ones, ordinal by ordinal', () => {
    const first = carriedOut(task(three));
    const [done, running, pending] = first.runs;
    const runs = [as(done, 'Succeeded'), as(running, 'Running', {}, 'b'), as(pending, 'Pending')];
    const changed = { ...first.task, metadata: { ...first.task.metadata, generation: 2 } };
    changed.spec = { ...changed.spec, args: ['new'] };
    const plan = planTask(changed, runs, now);
    expect(plan.status).toMatchObject({ revision: 2, succeeded: 0, total: 3 });
    expect(plan.status.completed).toBeUndefined();
    expect(plan.start.map((run) => run.spec.ordinal)).toEqual([0]);
    expect(plan.want.map(({ run, desired }) => [run.spec.ordinal, desired])).toEqual([[1, 'Stopped']]);
    expect(plan.settle.map((run) => run.spec.ordinal)).toEqual([2]);

    const told = { ...as(running, 'Lost', {}, 'b') };
    told.spec = { ...told.spec, desired: 'Stopped' };
    const next = { ...changed, status: plan.status };
    const later = planTask(next, [as(done, 'Succeeded'), told, as(pending, 'Stopped'), ...plan.start], now);
    expect(later.start.map((run) => run.spec.ordinal)).toEqual([2]);
    expect(later.want).toEqual([]);
  });

  test('labels, ttl and another spelling of the same change nothing that runs', () => {
    const first = carriedOut(task({ resources: { cores: 1, memory: '1Gi' } }));
    const changed = { ...first.task, metadata: { ...first.task.metadata, generation: 2 } };
    changed.spec = { ...changed.spec, ttlAfterFinished: '1h', resources: { cores: 1, memory: '1024Mi' } };
    const plan = planTask(changed, first.runs, now);
    expect([plan.status.revision, plan.status.observedGeneration, plan.start, plan.want]).toEqual([
      1,
      2,
      [],
      [],
    ]);
  });

  test('a hash by older rules is replaced and runs nothing again; a rerun does', () => {
    const first = carriedOut(task());
    const old = { ...first.task, status: { ...first.task.status, executionHash: 'old', hashVersion: 0 } };
    const plan = planTask(old, first.runs, now);
    expect(plan.status.revision).toBe(1);
    expect(plan.status.executionHash).toBe(first.task.status?.executionHash);
    const rerun = {
      ...old,
      metadata: { ...old.metadata, generation: 2 },
      spec: { ...old.spec, rerun: 'again' },
    };
    expect(planTask(rerun, first.runs, now).status).toMatchObject({ revision: 2, rerun: 'again' });
  });

  test('a manifest that names rerun no longer asks for nothing; nor does the same value later', () => {
    const first = carriedOut(task(three));
    const change = (from: typeof first.task, generation: number, rerun: string | undefined) =>
      planTask(
        { ...from, metadata: { ...from.metadata, generation }, spec: { ...from.spec, rerun } },
        first.runs,
        now,
      ).status;
    const asked = change(first.task, 2, 'again');
    expect(asked).toMatchObject({ revision: 2, rerun: 'again' });
    const dropped = change({ ...first.task, status: asked }, 3, undefined);
    expect(dropped).toMatchObject({ revision: 2, rerun: 'again' });
    expect(change({ ...first.task, status: dropped }, 4, 'again')).toMatchObject({ revision: 2 });
    expect(change({ ...first.task, status: dropped }, 4, 'once more')).toMatchObject({ revision: 3 });
  });

  test('what ended once is not made again when its Run is deleted', () => {
    const first = carriedOut(task(three));
    const [one, two] = first.runs;
    const folded = carriedOut(first.task, [as(one, 'Succeeded'), as(two, 'Failed')]);
    expect(folded.task.status).toMatchObject({ completed: '0', ended: '1' });
    const reaped = planTask(folded.task, [], now);
    expect(reaped.start.map((run) => run.spec.ordinal)).toEqual([2]);
    expect(reaped.status).toMatchObject({ succeeded: 1, failed: 1, active: 1 });
  });

  test('suspended: nothing starts, what runs is to pause, and the Task says when nothing runs any more', () => {
    const suspended = planTask(task({ suspend: true }), [], now);
    expect([suspended.start, suspended.status.phase]).toEqual([[], 'Suspended']);
    expect(isConditionTrue(suspended.status.conditions, 'Suspended')).toBe(true);
    const first = carriedOut(task());
    const running = as(first.runs[0], 'Running', {}, 'a');
    const pausing = { ...first.task, spec: { ...first.task.spec, suspend: true } };
    const plan = planTask(pausing, [running], now);
    expect(plan.want).toEqual([{ run: running, desired: 'Paused' }]);
    expect(plan.status.phase).toBe('Running');
    const told = { ...running, spec: { ...running.spec, desired: 'Paused' as const } };
    const paused = planTask(pausing, [as(told, 'Paused')], now);
    expect([paused.want, paused.status.phase]).toEqual([[], 'Suspended']);
    expect(planTask(pausing, [as(told, 'Lost')], now).status.phase).toBe('Running');
    const resumed = planTask(first.task, [as(told, 'Paused')], now);
    expect(resumed.want.map(({ desired }) => desired)).toEqual(['Running']);
    const stopped = { ...pausing, spec: { ...pausing.spec, stopped: true } };
    expect(planTask(stopped, [as(told, 'Paused')], now).want.map(({ desired }) => desired)).toEqual([
      'Stopped',
    ]);
  });

  test('a waiting Run of a suspended Task is told too, so that nobody binds it', () => {
    const first = carriedOut(task());
    const pausing = { ...first.task, spec: { ...first.task.spec, suspend: true } };
    expect(planTask(pausing, first.runs, now).want.map(({ desired }) => desired)).toEqual(['Paused']);
  });

  test('a Run whose program was not started before the pause is made again, as another attempt, when it is over', () => {
    const first = carriedOut(task());
    const given = as(first.runs[0], 'Stopped', { reason: 'Suspended' });
    const pausing = { ...first.task, spec: { ...first.task.spec, suspend: true } };
    const paused = planTask(pausing, [given], now);
    expect([paused.start, paused.status.phase, paused.status.ended]).toEqual([[], 'Suspended', undefined]);
    const [again] = planTask(first.task, [given], now).start;
    expect(again?.metadata.name).toBe(given.metadata.name?.replace(/0$/, '1'));
    expect(planTask(first.task, [given, again as Run], now).start).toEqual([]);
  });

  test('stopped: waiting Runs end at once, others are told; whoever waits for the Task learns of the end', () => {
    const first = carriedOut(task(three));
    const [one, two, done] = first.runs;
    const stopped = { ...first.task, spec: { ...first.task.spec, stopped: true } };
    const plan = planTask(
      stopped,
      [as(one, 'Pending'), as(two, 'Running', {}, 'b'), as(done, 'Succeeded')],
      now,
    );
    expect(plan.settle.map((run) => run.spec.ordinal)).toEqual([0]);
    expect(plan.want.map(({ run, desired }) => [run.spec.ordinal, desired])).toEqual([[1, 'Stopped']]);
    expect(plan.status.phase).toBe('Stopping');
    const end = planTask(stopped, [as(one, 'Stopped'), as(two, 'Stopped'), as(done, 'Succeeded')], now);
    expect(end.status).toMatchObject({ phase: 'Stopped', ended: '0-1', completed: '2', active: 0 });
    expect(isConditionTrue(end.status.conditions, 'Failed')).toBe(true);
    const resumed = planTask({ ...first.task, status: end.status }, [], now);
    expect([resumed.start, resumed.status.phase]).toEqual([[], 'Stopped']);
  });

  test('a Run that was told to stop and refused by its node ends, also when the Task is not stopped any more', () => {
    const first = carriedOut(task());
    const refused = as(first.runs[0], 'Pending');
    const told: Run = { ...refused, spec: { ...refused.spec, desired: 'Stopped' } };
    expect(planTask(first.task, [told], now).settle).toEqual([told]);
  });
});

describe('the phase', () => {
  const first = carriedOut(task({ targets: ['a', 'b'] }));
  const [one, two] = first.runs;
  const phaseOf = (...runs: Run[]) => planTask(first.task, runs, now).status;

  test.each<[RunPhase, RunPhase, TaskStatus['phase']]>([
    ['Pending', 'Scheduled', 'Pending'],
    ['Pending', 'Preparing', 'Running'],
    ['Succeeded', 'Pending', 'Running'],
    ['Lost', 'Pending', 'Running'],
    ['Failed', 'Running', 'Running'],
    ['Succeeded', 'Succeeded', 'Succeeded'],
    ['Succeeded', 'Failed', 'Failed'],
    ['Stopped', 'Failed', 'Failed'],
    ['Stopped', 'Succeeded', 'Stopped'],
  ])('%s and %s are %s', (left, right, phase) => {
    expect(phaseOf(as(one, left, {}, 'a'), as(two, right, {}, 'b')).phase).toBe(phase);
  });

  test('conditions tell the end and the first failure', () => {
    const failed = phaseOf(as(one, 'Succeeded'), as(two, 'Failed', { message: 'exit code 3', exitCode: 3 }));
    expect(failed.conditions?.find((condition) => condition.type === 'Failed')).toMatchObject({
      status: 'True',
      message: `1 of 2 runs did not succeed; ${two?.metadata.name}: exit code 3`,
    });
    expect(failed.runs?.[0]).toMatchObject({ ordinal: 1, exitCode: 3, phase: 'Failed' });
    const good = phaseOf(as(one, 'Succeeded'), as(two, 'Succeeded'));
    expect(isConditionTrue(good.conditions, 'Complete')).toBe(true);
  });

  test('a failure that was told stays one when its Run is deleted', () => {
    const failed = phaseOf(as(one, 'Succeeded'), as(two, 'Failed'));
    expect(planTask({ ...first.task, status: failed }, [], now).status).toEqual({ ...failed, runs: [] });
  });

  test('waiting Runs show why, bound ones that they are', () => {
    const reason = {
      type: 'Scheduled',
      status: 'False',
      reason: 'Unschedulable',
      message: '0/1 nodes fit',
      lastTransitionTime: now,
    } as const;
    const waiting = phaseOf(as(one, 'Pending', { conditions: [reason] }), as(two, 'Running', {}, 'b'));
    expect(waiting.conditions?.[0]).toMatchObject({
      type: 'Scheduled',
      status: 'False',
      message: '0/1 nodes fit',
    });
    const bound = phaseOf(as(one, 'Scheduled', {}, 'a'), as(two, 'Running', {}, 'b'));
    expect(bound.conditions?.[0]).toMatchObject({ type: 'Scheduled', status: 'True' });
  });

  test('at most 20 runs are shown', () => {
    const targets = Array.from({ length: 50 }, (_, index) => `n${index}`) as [string, ...string[]];
    const many = task({ targets });
    const runs = targets.map((_target, ordinal) =>
      as(buildRun(many, { revision: 1, ordinal, attempt: 0 }), ordinal === 49 ? 'Failed' : 'Succeeded'),
    );
    const { status } = planTask(carriedOut(many).task, runs, now);
    expect([status.runs?.length, status.runs?.[0]?.ordinal, status.completed]).toEqual([20, 49, '0-48']);
  });
});

describe('retry', () => {
  const retry = { limit: 2, backoff: '10s' };
  const ended = { finishedAt: now, reason: 'NonZeroExit', message: 'exit code 1' };
  const at = (seconds: number) => new Date(Date.parse(now) + seconds * 1000).toISOString();
  const first = () => carriedOut(task({ retry }));

  test('a failed Run: another attempt when its back-off is over, twice as long each time, and then no more', () => {
    const { task: stored, runs } = first();
    const failed = as(runs[0], 'Failed', ended);
    const waiting = planTask(stored, [failed], at(4));
    expect([waiting.start, waiting.wakeAfterMs, waiting.status.phase]).toEqual([[], 6000, 'Running']);
    expect(waiting.status).toMatchObject({ active: 0, failed: 0 });
    expect(waiting.status.ended).toBeUndefined();
    expect(waiting.status.conditions).toContainEqual(
      expect.objectContaining({ type: 'Failed', status: 'False', reason: 'Retrying' }),
    );
    const second = planTask(stored, [failed], at(10));
    expect(second.start.map(({ spec }) => [spec.ordinal, spec.attempt, spec.retries])).toEqual([[0, 1, 1]]);
    expect(second.start[0]?.metadata.name).toMatch(/-0-1$/);

    const again = as(second.start[0], 'Failed', { ...ended, finishedAt: at(20) });
    expect(planTask(stored, [failed, again], at(20)).wakeAfterMs).toBe(20_000);
    const third = planTask(stored, [failed, again], at(40)).start;
    const last = as(third[0], 'Failed', { ...ended, finishedAt: at(50) });
    const over = planTask(stored, [failed, again, last], at(1000));
    expect([over.start, over.wakeAfterMs]).toEqual([[], undefined]);
    expect(over.status).toMatchObject({ phase: 'Failed', failed: 1, ended: '0' });
    expect(over.status.runs).toHaveLength(1);
  });

  test('the last attempt counts: a success after failures is a success, also when the Runs are gone', () => {
    const { task: stored, runs } = first();
    const failed = as(runs[0], 'Failed', ended);
    const [second] = planTask(stored, [failed], at(10)).start;
    const done = carriedOut(stored, [failed, as(second, 'Succeeded')]);
    expect(done.task.status).toMatchObject({ phase: 'Succeeded', completed: '0', failed: 0 });
    expect(planTask(done.task, [], at(99))).toMatchObject({ start: [], status: { phase: 'Succeeded' } });
    // An earlier attempt may be deleted later than the last.
    expect(planTask(done.task, [failed], at(99))).toMatchObject({
      start: [],
      status: { phase: 'Succeeded' },
    });
  });

  test.each([
    ['Stopped', { reason: 'Stopped' }, {}, false],
    ['Lost', { reason: 'LeaseExpired' }, {}, false],
    ['Failed', { reason: 'NodeRestarted' }, {}, true],
    ['Failed', { reason: 'Fenced' }, { on: ['NodeRestarted'] }, true],
    ['Failed', { reason: 'NodeRestarted' }, { on: ['Failed'] }, false],
    ['Failed', { reason: 'OOMKilled' }, { on: ['NodeRestarted'] }, false],
    ['Failed', { reason: 'OOMKilled' }, { limit: 0 }, false],
  ] as const)('%s %j with retry %j: %j', (phase, status, more, again) => {
    const { task: stored, runs } = first();
    const changed = { ...stored, spec: { ...stored.spec, retry: { ...retry, ...more } } } as Task;
    const plan = planTask(changed, [as(runs[0], phase, { finishedAt: now, ...status })], at(10));
    expect(plan.start).toHaveLength(again ? 1 : 0);
  });

  test('stopped or suspended meanwhile: no attempt, and it goes on afterwards', () => {
    const { task: stored, runs } = first();
    const failed = as(runs[0], 'Failed', ended);
    const stopped = planTask({ ...stored, spec: { ...stored.spec, stopped: true } }, [failed], at(10));
    expect([stopped.start, stopped.status.phase]).toEqual([[], 'Stopped']);
    const suspended = planTask({ ...stored, spec: { ...stored.spec, suspend: true } }, [failed], at(10));
    expect([suspended.start, suspended.wakeAfterMs]).toEqual([[], undefined]);
    expect(planTask(stored, [failed], at(10)).start).toHaveLength(1);
  });

  test('a clock that is far ahead holds nothing up', () => {
    const { task: stored, runs } = first();
    const failed = as(runs[0], 'Failed', { ...ended, finishedAt: '2100-01-01T00:00:00.000Z' });
    expect(planTask(stored, [failed], at(0)).start).toHaveLength(1);
  });

  test('what was recorded as ended stays so when the limit is raised', () => {
    const { task: stored, runs } = carriedOut(task({ retry: { limit: 0 } }));
    const failed = as(runs[0], 'Failed', ended);
    const over = carriedOut(stored, [failed]);
    const raised = { ...over.task, spec: { ...over.task.spec, retry } };
    expect(planTask(raised, [failed], at(99)).start).toEqual([]);
  });
});

describe('planTask with parallelism', () => {
  const sweep = { args: ['span:{1..5}'], parallelism: 2 };
  const ordinals = (runs: readonly Run[]) => runs.map((run) => run.spec.ordinal);

  test('makes no more Runs than may be active, and the next when one has ended', () => {
    const first = carriedOut(task(sweep));
    expect(ordinals(first.runs)).toEqual([0, 1]);
    expect(first.task.status).toMatchObject({ total: 5, active: 2, phase: 'Pending' });
    expect(planTask(first.task, first.runs, now)).toMatchObject({ start: [], want: [], settle: [] });

    const half = [as(first.runs[0], 'Succeeded'), as(first.runs[1], 'Running', {}, 'a')];
    const second = carriedOut(first.task, half);
    expect(ordinals(second.runs)).toEqual([0, 1, 2]);
    expect(second.task.status).toMatchObject({ phase: 'Running', succeeded: 1, active: 2 });
    expect(second.task.status?.runs?.[0]).toMatchObject({ ordinal: 1, point: { 'args[0]': '2' } });
  });

  test('a Lost Run and one of an earlier revision may be running: they take up room', () => {
    const first = carriedOut(task(sweep));
    const runs = [as(first.runs[0], 'Lost', {}, 'a'), as(first.runs[1], 'Running', {}, 'b')];
    expect(planTask(first.task, runs, now).start).toEqual([]);
    const changed = task({ ...sweep, command: ['false'] }, first.task.status, 2);
    expect(planTask(changed, runs, now).start).toEqual([]);
    const over = [as(first.runs[0], 'Stopped'), runs[1] as Run];
    expect(ordinals(planTask(changed, over, now).start)).toEqual([0]);
  });

  test('a smaller one stops nothing, a larger one starts more; neither is a new revision', () => {
    const first = carriedOut(task(sweep));
    const runs = first.runs.map((run) => as(run, 'Running', {}, 'a'));
    const smaller = planTask(task({ ...sweep, parallelism: 1 }, first.task.status, 2), runs, now);
    expect(smaller).toMatchObject({ start: [], want: [], settle: [], status: { revision: 1 } });
    const larger = planTask(task({ ...sweep, parallelism: 4 }, first.task.status, 2), runs, now);
    expect(ordinals(larger.start)).toEqual([2, 3]);
    const none = planTask(task({ args: sweep.args }, first.task.status, 2), runs, now);
    expect(ordinals(none.start)).toEqual([2, 3, 4]);
  });

  test('another attempt takes its turn in the order of the ordinals', () => {
    const retrying = task({ ...sweep, retry: { limit: 1, backoff: '0s' } });
    const first = carriedOut(retrying);
    const runs = [
      as(first.runs[0], 'Running', {}, 'a'),
      as(first.runs[1], 'Failed', { reason: 'NonZeroExit', finishedAt: now }),
    ];
    expect(planTask(first.task, runs, now).start.map(({ spec }) => [spec.ordinal, spec.attempt])).toEqual([
      [1, 1],
    ]);
  });

  test('says that what waits for its turn waits for no node', () => {
    const first = carriedOut(task(sweep));
    const runs = first.runs.map((run) => as(run, 'Running', {}, 'a'));
    const { conditions = [] } = planTask(first.task, runs, now).status;
    expect(conditions.find(({ type }) => type === 'Scheduled')?.message).toBe(
      'every run that parallelism lets run (2 now) has a node',
    );
  });
});

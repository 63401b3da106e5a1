import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  ApiHost,
  admin as me,
  nodeController as nodeLoop,
  nodeOf,
  refused,
  scheduler,
  task,
  taskController as taskLoop,
} from '../../test/support/api-host.ts';
import { readyNode } from '../../test/support/machines.ts';
import {
  type ApiObject,
  apiVersion,
  buildRun,
  type Identity,
  type Node,
  type Run,
  type Task,
  validateObject,
} from '../api/index.ts';
import { realClock } from '../base/index.ts';
import type { Store } from '../store/index.ts';
import { LocalClient } from './local-client.ts';
import type { ApiService } from './service.ts';

const runner = nodeOf('n1');

let host: ApiHost;
let service: ApiService;
let store: Store;
let wallMs: number;
let monotonicMs: number;
let freeBytes: number;

beforeEach(() => {
  wallMs = Date.UTC(2026, 0, 1);
  monotonicMs = 1;
  freeBytes = 1e9;
  host = new ApiHost({
    clock: { ...realClock, now: () => wallMs, monotonic: () => monotonicMs },
    space: () => ({ size: 1e9, free: freeBytes }),
  });
  ({ service, store } = host);
});

afterEach(() => host.close());

async function joinNode(name: string, cores = 4, session = 's1'): Promise<void> {
  const identity: Identity = { role: 'node', name };
  await service.create(identity, 'Node', { apiVersion, kind: 'Node', metadata: { name } });
  const { status } = readyNode(name, { session, allocatable: { cores, memory: 1e9 } });
  await service.patchStatus(identity, 'Node', '', name, { status });
}

async function pendingRun(name: string, cores = 1): Promise<Run> {
  const { object } = await service.create(me, 'Task', task(name, { resources: { cores } }));
  const run = buildRun(object as Task, { revision: 1, ordinal: 0, attempt: 0 });
  return (await service.create(taskLoop, 'Run', run)).object as Run;
}

const bind = (run: Run, node = 'n1') =>
  service.bind(scheduler, 'default', run.metadata.name ?? '', { node, uid: run.metadata.uid ?? '' });

const report = (run: Run, status: object, identity: Identity = runner) =>
  service.patchStatus(identity, 'Run', 'default', run.metadata.name ?? '', {
    metadata: { uid: run.metadata.uid },
    status,
  });

describe('a host whose disk is nearly full', () => {
  const setFree = (bytes: number) => {
    freeBytes = bytes;
    monotonicMs += 1_000;
  };

  it('takes nothing new, and all that comes of what is there', async () => {
    await joinNode('n1');
    const [running, waiting] = [await pendingRun('a'), await pendingRun('b')];
    await bind(running);
    setFree(1e6);
    for (const more of [service.create(me, 'Task', task('c')), bind(waiting)])
      expect(await refused(more)).toMatchObject({
        code: 'ServiceUnavailable',
        message: expect.stringMatching(/takes nothing new, because less than [\d.]+Mi is free/),
      });
    expect(service.metrics.refusals.room).toBe(2);
    expect(service.version().warnings).toHaveLength(1);
    await joinNode('n2');
    await report(running, { phase: 'Failed', exitCode: 3, session: 's1' });
    await service.patch(me, 'Task', 'default', 'b', { spec: { stopped: true } });
    await service.delete(me, 'Task', 'default', 'a');
    setFree(1e8);
    await service.create(me, 'Task', task('c'));
    expect(service.version().warnings).toBeUndefined();
  });

  it('shows at once where monitoring looks', async () => {
    const app = host.server();
    expect((await app.inject('/readyz')).statusCode).toBe(200);
    setFree(1e6);
    const { statusCode, body } = await app.inject('/readyz');
    expect([statusCode, body]).toEqual([503, expect.stringContaining('takes nothing new')]);
    expect((await app.inject('/healthz')).statusCode).toBe(200);
  });
});

describe('the end of a Run', () => {
  it('has the time of the host, whatever the clock of its node and its runner say', async () => {
    await joinNode('n1');
    const run = await pendingRun('a');
    await bind(run);
    const endOf = async (status: object) =>
      ((await report(run, { ...status, session: 's1' })).object as Run).status?.endedAt;
    const said = { finishedAt: '2019-01-01T00:00:00.000Z', endedAt: '2019-01-01T00:00:00.000Z' };
    expect(await endOf({ phase: 'Running', ...said })).toBeUndefined();
    const version = store.version();
    expect(await endOf({ phase: 'Failed', ...said })).toBe('2026-01-01T00:00:00.000Z');
    wallMs += 60_000;
    expect(await endOf({ phase: 'Failed', ...said })).toBe('2026-01-01T00:00:00.000Z');
    expect(store.version()).toBe(version + 1);
  });
});

describe('binding', () => {
  it('never gives out more than a node has, whatever the callers believe', async () => {
    await joinNode('n1', 2);
    const runs = [await pendingRun('a'), await pendingRun('b'), await pendingRun('c')];
    const results = await Promise.allSettled(runs.map((run) => bind(run)));
    expect(results.map((result) => result.status)).toEqual(['fulfilled', 'fulfilled', 'rejected']);
    expect(((results[2] as PromiseRejectedResult).reason as Error).message).toContain(
      '0 of 2 cores free, needs 1',
    );
    expect(service.metrics.refusals.fit).toBe(1);
    await report(runs[0] as Run, { phase: 'Succeeded', session: 's1' });
    expect((await bind(runs[2] as Run)).object).toMatchObject({ status: { phase: 'Scheduled' } });
  });

  it('refuses what is bound already, another uid, an unknown node', async () => {
    await joinNode('n1');
    const run = await pendingRun('a');
    expect((await refused(bind(run, 'n9'))).message).toContain('no such node');
    expect((await refused(bind({ ...run, metadata: { ...run.metadata, uid: 'other' } }))).code).toBe(
      'Conflict',
    );
    await bind(run);
    expect((await refused(bind(run))).message).toContain('not waiting');
    expect(service.metrics.refusals.binding).toBe(1);
  });

  it('is free again when the runner refuses, and the node sees the Run go', async () => {
    await joinNode('n1');
    const run = await pendingRun('a');
    const bound = (await bind(run)).object;
    const seen: string[] = [];
    const options = { resourceVersion: bound.metadata.resourceVersion };
    const watch = service.watch(runner, 'Run', options, {
      event: (type) => seen.push(type),
      closed: () => {},
    });
    const refusedRun = (
      await report(run, { phase: 'Pending', session: 's1', avoid: ['n1'], reason: 'NoRuntime' })
    ).object as Run;
    expect(refusedRun.spec.placement).toBeUndefined();
    expect(refusedRun.status).toMatchObject({ phase: 'Pending', avoid: ['n1'], reason: 'NoRuntime' });
    expect((await refused(bind(run))).message).toContain('refused this run');
    expect(seen).toEqual(['DELETED']);
    watch.close();
  });
});

describe('the status of a Run', () => {
  it('moves by the table only, and refusals are counted', async () => {
    await joinNode('n1');
    const run = await pendingRun('a');
    expect((await refused(report(run, { phase: 'Scheduled' }, nodeLoop))).code).toBe('Conflict');
    await bind(run);
    await report(run, { phase: 'Lost' }, nodeLoop);
    await report(run, { phase: 'Running', session: 's1' });
    expect((await refused(report(run, { phase: 'Stopped' }, taskLoop))).code).toBe('Conflict');
    expect((await refused(report(run, { phase: 'Failed' }, me))).code).toBe('Forbidden');
    expect(service.metrics.refusals.transition).toBe(2);
  });

  it('is taken from the current session of its node only', async () => {
    await joinNode('n1');
    const run = await pendingRun('a');
    await bind(run);
    expect((await refused(report(run, { phase: 'Running' }))).code).toBe('Conflict');
    await service.patchStatus(runner, 'Node', '', 'n1', { status: { session: 's2' } });
    expect((await refused(report(run, { phase: 'Running', session: 's1' }))).code).toBe('Conflict');
    expect(service.metrics.refusals.session).toBe(2);
    expect((await report(run, { phase: 'Running', session: 's2' })).outcome).toBe('configured');
  });

  it('does not reach an older Run of the same name', async () => {
    await joinNode('n1');
    const run = await pendingRun('a');
    const old = { ...run, metadata: { ...run.metadata, uid: 'older' } };
    expect((await refused(report(old, { phase: 'Running', session: 's1' }))).message).toContain(
      'another object',
    );
  });

  it('merges conditions by type and keeps their transition times', async () => {
    const run = await pendingRun('a');
    const condition = (type: string, status: string) => ({ type, status, reason: 'R', message: '' });
    await report(run, { conditions: [condition('Scheduled', 'False')] }, scheduler);
    wallMs += 5000;
    await report(run, { conditions: [condition('Other', 'True')] }, scheduler);
    const { object } = await report(
      run,
      { conditions: [{ ...condition('Scheduled', 'False'), message: 'new' }] },
      scheduler,
    );
    expect((object as Run).status?.conditions).toMatchObject([
      { type: 'Scheduled', message: 'new', lastTransitionTime: '2026-01-01T00:00:00.000Z' },
      { type: 'Other', lastTransitionTime: '2026-01-01T00:00:05.000Z' },
    ]);
  });

  it('cannot be made of what is no status', async () => {
    const run = await pendingRun('a');
    expect((await refused(report(run, { phase: 'Dancing' }, scheduler))).code).toBe('Invalid');
    expect((await refused(report(run, { conditions: [null] }, scheduler))).code).toBe('Invalid');
  });
});

describe('the spec of a Run', () => {
  it('has no owners of its fields', async () => {
    expect((await pendingRun('a')).metadata.managedFields).toBeUndefined();
  });

  it('may change only in what is wanted of it', async () => {
    const run = await pendingRun('a');
    const patch = (spec: object) =>
      service.patch(taskLoop, 'Run', 'default', run.metadata.name ?? '', { spec });
    expect((await refused(patch({ placement: { node: 'n1' } }))).code).toBe('Invalid');
    expect((await refused(patch({ image: 'x' }))).details.causes?.[0]?.field).toBe('spec.image');
    expect(((await patch({ desired: 'Stopped' })).object as Run).spec.desired).toBe('Stopped');
  });

  it('is not for people, and starts without a placement and as Pending', async () => {
    const made = (await service.create(me, 'Task', task('a'))).object as Task;
    const run = buildRun(made, { revision: 1, ordinal: 0, attempt: 0 });
    expect((await refused(service.create(me, 'Run', run))).message).toContain('river stop');
    const placed = { ...run, spec: { ...run.spec, placement: { node: 'n1' } } };
    expect((await refused(service.create(taskLoop, 'Run', placed))).code).toBe('Invalid');
    const running = { ...run, status: { phase: 'Running' as const } };
    expect((await service.create(taskLoop, 'Run', running)).object.status).toEqual({ phase: 'Pending' });
  });
});

describe('nodes', () => {
  it('write themselves, and not their own spec', async () => {
    await joinNode('n1');
    const other = service.create(runner, 'Node', { apiVersion, kind: 'Node', metadata: { name: 'n2' } });
    expect((await refused(other)).code).toBe('Forbidden');
    expect(
      (await refused(service.patch(runner, 'Node', '', 'n1', { spec: { unschedulable: true } }))).code,
    ).toBe('Forbidden');
    expect((await service.patch(me, 'Node', '', 'n1', { spec: { unschedulable: true } })).outcome).toBe(
      'configured',
    );
    expect(
      (await service.patch(runner, 'Node', '', 'n1', { metadata: { labels: { a: 'b' } } })).outcome,
    ).toBe('configured');
  });

  it('say what their Runs use: live, of what is theirs and runs, and never stored', async () => {
    await joinNode('n1');
    await joinNode('n2');
    const [mine, other] = [await pendingRun('mine'), await pendingRun('other')];
    await bind(mine);
    await bind(other, 'n2');
    for (const phase of ['Preparing', 'Starting', 'Running'])
      await report(mine, { phase, session: 's1', startedAt: '2026-01-01T00:00:00.000Z' });
    const version = store.version();
    const sample = { cores: 0.5, memoryUsed: 100 };
    const runs = [mine, other].map(({ metadata }) => ({ uid: metadata.uid ?? '', ...sample }));
    await service.heartbeat(runner, 'n1', { session: 's1', usage: { cores: 1, runs } });
    expect(store.version()).toBe(version);
    const usageOf = ({ metadata }: Run) =>
      (service.get(me, 'Run', 'default', metadata.name ?? '').object as Run).status?.usage;
    expect([usageOf(mine), usageOf(other)]).toEqual([sample, undefined]);
    for await (const { rows } of service.pages(me, 'Run', {}))
      expect(rows.filter(({ json }) => json.includes('"memoryUsed":100'))).toHaveLength(1);
    const node = () => (service.get(me, 'Node', '', 'n1').object as Node).status;
    expect(node()?.usage).toEqual({ cores: 1 });

    await report(mine, { session: 's1', usage: { ...sample, cpuSeconds: 2 } });
    const stored = store.get('Run', 'default', mine.metadata.name ?? '')?.object as Run;
    expect(stored.status?.usage).toEqual({ cpuSeconds: 2 });
    expect(usageOf(mine)).toEqual({ ...sample, cpuSeconds: 2 });
    monotonicMs += 30_001;
    expect(usageOf(mine)).toEqual({ cpuSeconds: 2 });
    expect(node()).not.toHaveProperty('usage');
    expect(node()).toHaveProperty('lastHeartbeat');
    await service.heartbeat(runner, 'n1', { session: 's1', usage: { runs } });
    expect(usageOf(mine)).toMatchObject(sample);
    await report(mine, { phase: 'Succeeded', session: 's1' });
    expect(usageOf(mine)).toEqual({ cpuSeconds: 2 });
  });

  it('have leases in memory: a beat is no write, a status is a beat', async () => {
    expect(service.leases.lastSeen('n1')).toBeUndefined();
    await joinNode('n1');
    expect(service.leases.lastSeen('n1')).toBeGreaterThan(0);
    const version = store.version();
    await service.heartbeat(runner, 'n1', { session: 's1', usage: { cpuPercent: 3 } });
    await service.patchStatus(runner, 'Node', '', 'n1', {
      status: { usage: { cpuPercent: 99 }, lastHeartbeat: 'x' },
    });
    expect(store.version()).toBe(version);
    expect((service.get(me, 'Node', '', 'n1').object as Node).status?.usage).toEqual({ cpuPercent: 3 });
    expect(JSON.parse(service.get(me, 'Node', '', 'n1').json).status.lastHeartbeat).toBe(
      '2026-01-01T00:00:00.000Z',
    );
    const nonsense = { cpuPercent: 'much' } as never;
    await expect(service.heartbeat(runner, 'n1', { session: 's1', usage: nonsense })).rejects.toThrow(
      /usage.cpuPercent: must be a number/,
    );
    await expect(service.heartbeat(runner, 'n1', { session: undefined as never })).rejects.toThrow(
      /not from the current session/,
    );
    const counters = { run_backed_off: 2, 'No name"': 1, negative: -1, half: 0.5, text: 'x' as never };
    await service.heartbeat(runner, 'n1', { session: 's1', counters });
    await service.heartbeat(runner, 'n1', { session: 's1' });
    expect(service.leases.counters('n1')).toEqual({ run_backed_off: 2 });
    const nameOf = (index: number) => [...String(index)].map((digit) => 'abcdefghij'[Number(digit)]).join('');
    const many = Object.fromEntries(Array.from({ length: 1000 }, (_, index) => [nameOf(index), 1]));
    await service.heartbeat(runner, 'n1', { session: 's1', counters: many });
    expect(Object.keys(service.leases.counters('n1') ?? {})).toHaveLength(64);
    expect(store.version()).toBe(version);
    await service.delete(me, 'Node', '', 'n1');
    expect(service.leases.lastSeen('n1')).toBeUndefined();
    expect(service.leases.counters('n1')).toBeUndefined();
  });
});

describe('the usage ledger', () => {
  const entries = async () => (await new LocalClient(service, me).list('Usage')).items;

  it('has each Run once, in the write that ends it', async () => {
    await joinNode('n1');
    const run = await pendingRun('a');
    await bind(run);
    const startedAt = '2026-01-01T00:00:00.000Z';
    await report(run, { phase: 'Running', session: 's1', startedAt });
    expect(await entries()).toEqual([]);
    const end = { phase: 'Failed', session: 's1', finishedAt: '2026-01-01T00:00:02.500Z' };
    await report(run, { ...end, usage: { cpuSeconds: 1.25, memoryPeak: 5 } });
    await report(run, { ...end, message: 'again' });
    expect(await entries()).toMatchObject([
      {
        ...{ node: 'n1', runs: 1, unsuccessful: 1, unmeasured: 0, memoryPeak: 5 },
        ...{ wallSeconds: 2.5, coreSeconds: 2.5, cpuSeconds: 1.25 },
      },
    ]);
    expect(validateObject('Usage', (await entries())[0])).toEqual([]);
  });

  it('adds up, and leaves out what never started', async () => {
    await joinNode('n1');
    for (const name of ['a', 'b', 'c']) {
      const run = await pendingRun(name);
      await bind(run);
      const startedAt = name === 'c' ? {} : { startedAt: '2026-01-01T00:00:00.000Z' };
      await report(run, { phase: 'Succeeded', session: 's1', ...startedAt });
    }
    expect((await entries()).reduce((sum, { runs }) => sum + runs, 0)).toBe(2);
  });

  it('is written by nobody else, and seen by no node', async () => {
    const entry: ApiObject = { apiVersion, kind: 'Usage', metadata: { name: 'x', namespace: 'default' } };
    const error = await refused(service.create(me, 'Usage', entry));
    expect(error.code).toBe('Forbidden');
    await expect(new LocalClient(service, runner).list('Usage')).rejects.toThrow(/may not read/);
  });
});

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  type ApiObject,
  apiVersion,
  buildRun,
  type Identity,
  type Node,
  type Run,
  type Task,
} from '../api/index.ts';
import { type Clock, type RiverError, realClock, realRng, silentLogger } from '../base/index.ts';
import { openSqliteStore, type SqliteStore } from '../store/index.ts';
import { ApiService } from './service.ts';

const me: Identity = { role: 'admin', name: 'me' };
const taskLoop: Identity = { role: 'controller', name: 'task' };
const nodeLoop: Identity = { role: 'controller', name: 'node' };
const scheduler: Identity = { role: 'controller', name: 'scheduler' };
const reaper: Identity = { role: 'controller', name: 'reaper' };
const runner: Identity = { role: 'node', name: 'n1' };

let folder: string;
let store: SqliteStore;
let service: ApiService;
let wallMs: number;
let mounts: string[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'river-service-'));
  wallMs = Date.UTC(2026, 0, 1);
  mounts = [];
  const clock: Clock = { ...realClock, now: () => wallMs };
  const seams = { clock, rng: realRng, logger: silentLogger };
  store = openSqliteStore({ directory: folder, ...seams });
  service = new ApiService({
    ...seams,
    store,
    leaseMs: 30_000,
    version: '0.0.0',
    defaults: () => ({ runtime: 'docker', privileged: false, mounts }),
    logReader: { open: () => Promise.reject(new Error('not used')) },
  });
});

afterEach(async () => {
  await store.close();
  rmSync(folder, { recursive: true });
});

const task = (name: string, spec: Partial<Task['spec']> = {}): Task => ({
  apiVersion,
  kind: 'Task',
  metadata: { name, namespace: 'default' },
  spec: { command: ['true'], runtime: 'process', ...spec },
});

const refused = (promise: Promise<unknown>): Promise<RiverError> =>
  promise.then(
    () => expect.fail('it was not refused'),
    (error: RiverError) => error,
  );

const apply = (object: ApiObject, force = false) =>
  service.apply(me, 'Task', object, { fieldManager: 'river', force });

async function joinNode(name: string, cores = 4, session = 's1'): Promise<void> {
  const identity: Identity = { role: 'node', name };
  await service.create(identity, 'Node', { apiVersion, kind: 'Node', metadata: { name } });
  const status: Node['status'] = {
    session,
    allocatable: { cores, memory: 1e9 },
    runtimes: ['process'],
    conditions: [
      {
        type: 'Ready',
        status: 'True',
        reason: 'R',
        message: '',
        lastTransitionTime: '2026-01-01T00:00:00.000Z',
      },
    ],
  };
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

describe('what the host alone sets', () => {
  it('cannot be set at creation nor changed later', async () => {
    const odd = task('a');
    odd.metadata = {
      ...odd.metadata,
      uid: 'mine',
      creationTimestamp: '1999-01-01T00:00:00.000Z',
      generation: 9,
    };
    odd.status = { phase: 'Succeeded' };
    const made = (await service.create(me, 'Task', odd)).object;
    expect(made.metadata).toMatchObject({ generation: 1, creationTimestamp: '2026-01-01T00:00:00.000Z' });
    expect(made.metadata.uid).not.toBe('mine');
    expect(made.status).toBeUndefined();
    const patch = {
      metadata: { generation: 50, creationTimestamp: null, managedFields: [], deletionTimestamp: 'x' },
    };
    expect((await service.patch(me, 'Task', 'default', 'a', patch)).outcome).toBe('unchanged');
  });

  it('keeps generation while spec stays, and name and namespace always', async () => {
    await service.create(me, 'Task', task('a'));
    const labelled = await service.patch(me, 'Task', 'default', 'a', { metadata: { labels: { x: 'y' } } });
    expect(labelled.object.metadata.generation).toBe(1);
    expect((await refused(service.patch(me, 'Task', 'default', 'a', { metadata: { name: 'b' } }))).code).toBe(
      'BadRequest',
    );
  });

  it('puts objects without a namespace into default, and finds them there', async () => {
    const { metadata, ...rest } = task('a');
    const made = await apply({ ...rest, metadata: { name: metadata.name } });
    expect(made.object.metadata.namespace).toBe('default');
    expect((await apply({ ...rest, metadata: { name: metadata.name } })).outcome).toBe('unchanged');
  });
});

describe('defaults', () => {
  it('are written at creation and never change an object that exists', async () => {
    mounts = ['/a:/a'];
    const plain = task('a', { runtime: undefined, image: 'busybox' });
    const made = await apply(plain);
    expect(made.object.spec).toMatchObject({ runtime: 'docker', mounts: ['/a:/a'] });
    mounts = ['/b:/b'];
    expect((await apply(plain)).outcome).toBe('unchanged');
    expect((await apply({ ...plain, spec: { ...plain.spec, rerun: '1' } })).object.spec).toMatchObject({
      mounts: ['/a:/a'],
    });
  });

  it('come back for a field that is taken out of the manifest', async () => {
    await apply(task('a', { resources: { cores: 3 } }));
    expect((await apply(task('a'))).object.spec).toMatchObject({ resources: { cores: 1 } });
  });
});

describe('writes that change nothing', () => {
  it('make no version: apply, replace, patch and status, at any time', async () => {
    const { object } = await apply(task('a', { env: { A: '1' } }));
    await joinNode('n1');
    const version = store.version();
    wallMs += 60_000;
    await apply(task('a', { env: { A: '1' } }));
    await service.update(me, 'Task', object);
    await service.patch(me, 'Task', 'default', 'a', { spec: { env: { A: '1' } } });
    const condition = {
      type: 'Ready',
      status: 'True',
      reason: 'R',
      message: '',
      lastTransitionTime: '2026-01-01T00:01:00.000Z',
    };
    await service.patchStatus(runner, 'Node', '', 'n1', {
      status: { session: 's1', conditions: [condition] },
    });
    expect(store.version()).toBe(version);
  });

  it('and a dry run make none either', async () => {
    await service.create(me, 'Task', task('a'));
    const version = store.version();
    await service.create(me, 'Task', task('b'), { dryRun: true });
    await service.patch(me, 'Task', 'default', 'a', { spec: { rerun: '1' } }, { dryRun: true });
    await service.delete(me, 'Task', 'default', 'a', { dryRun: true });
    expect(store.version()).toBe(version);
  });
});

describe('owners of fields', () => {
  it('follow applies and patches', async () => {
    await apply(task('a', { env: { A: '1' } }));
    await service.patch(
      me,
      'Task',
      'default',
      'a',
      { spec: { stopped: true } },
      { fieldManager: 'river-control' },
    );
    expect((await apply(task('a', { env: { A: '1' } }))).outcome).toBe('unchanged');
    const conflict = await refused(apply(task('a', { env: { A: '1' }, stopped: false })));
    expect(conflict.details.causes?.[0]).toMatchObject({
      reason: 'FieldManagerConflict',
      field: '.spec.stopped',
    });
    expect(conflict.details.causes?.[0]?.message).toContain('river-control');
  });

  it('are not kept for Runs', async () => {
    expect((await pendingRun('a')).metadata.managedFields).toBeUndefined();
  });

  it('keep the finalizers of the host through apply and replace', async () => {
    const { object } = await apply(task('a'));
    const { finalizers: _finalizers, ...metadata } = object.metadata;
    await service.update(me, 'Task', {
      ...object,
      metadata,
      spec: { ...(object as Task).spec, rerun: '2' },
    } as Task);
    expect((await apply(task('a', { rerun: '2' }))).object.metadata.finalizers).toEqual(['river.dev/runs']);
  });
});

describe('deletion', () => {
  it('marks once, refuses an apply meanwhile, and ends with the last finalizer', async () => {
    await apply(task('a'));
    const marked = (await service.delete(me, 'Task', 'default', 'a')).object;
    expect((await service.delete(me, 'Task', 'default', 'a')).object).toEqual(marked);
    expect((await refused(apply(task('a')))).message).toContain('is being deleted');
    const added = service.patch(me, 'Task', 'default', 'a', {
      metadata: { finalizers: ['river.dev/runs', 'more'] },
    });
    expect((await refused(added)).code).toBe('Conflict');
    expect(
      (await service.patch(taskLoop, 'Task', 'default', 'a', { metadata: { finalizers: [] } })).outcome,
    ).toBe('deleted');
    expect(store.get('Task', 'default', 'a')).toBeUndefined();
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

  it('have leases in memory: a beat is no write, a status is a beat', async () => {
    expect(service.leases.lastSeen('n1')).toBeUndefined();
    await joinNode('n1');
    expect(service.leases.lastSeen('n1')).toBeGreaterThan(0);
    const version = store.version();
    service.heartbeat(runner, 'n1', { session: 's1', usage: { cpuPercent: 3 } });
    await service.patchStatus(runner, 'Node', '', 'n1', {
      status: { usage: { cpuPercent: 99 }, lastHeartbeat: 'x' },
    });
    expect(store.version()).toBe(version);
    expect((service.get(me, 'Node', '', 'n1').object as Node).status?.usage).toEqual({ cpuPercent: 3 });
    expect(JSON.parse(service.get(me, 'Node', '', 'n1').json).status.lastHeartbeat).toBe(
      '2026-01-01T00:00:00.000Z',
    );
    expect(() => service.heartbeat(runner, 'n1', { session: undefined as never })).toThrow(
      /not from the current session/,
    );
    await service.delete(me, 'Node', '', 'n1');
    expect(service.leases.lastSeen('n1')).toBeUndefined();
  });
});

describe('lists', () => {
  it('find what a filter leaves even when whole pages have none', async () => {
    for (let index = 0; index < 30; index++)
      await service.create(me, 'Task', task(`t${String(index).padStart(2, '0')}`));
    const pages = service.pages(me, 'Task', { limit: 5, fieldSelector: 'metadata.name=t22' });
    const page = (await pages.next()).value as { rows: { object: ApiObject }[] };
    expect(page.rows.map((row) => row.object.metadata.name)).toEqual(['t22']);
  });

  it('refuse selectors that cannot be read', async () => {
    await expect(service.pages(me, 'Task', { labelSelector: '((' }).next()).rejects.toThrow(/label selector/);
    await expect(service.pages(me, 'Task', { fieldSelector: 'spec.nope=1' }).next()).rejects.toThrow(
      /field selector/,
    );
    await expect(service.pages(me, 'Task', { limit: -1 }).next()).rejects.toThrow(/limit/);
  });
});

describe('a JSON patch', () => {
  it('applies whole or not at all', async () => {
    await service.create(me, 'Task', task('a'));
    const good = [{ op: 'add', path: '/spec/env', value: { A: '1' } }];
    expect((await service.jsonPatch(me, 'Task', 'default', 'a', good)).object.spec).toMatchObject({
      env: { A: '1' },
    });
    const bad = [...good, { op: 'test', path: '/spec/rerun', value: 'x' }];
    expect((await refused(service.jsonPatch(me, 'Task', 'default', 'a', bad))).code).toBe('Invalid');
    expect((await refused(service.jsonPatch(me, 'Task', 'default', 'a', {}))).code).toBe('BadRequest');
    const whole = [{ op: 'remove', path: '/metadata' }];
    expect((await refused(service.jsonPatch(me, 'Task', 'default', 'a', whole))).code).toBe('Invalid');
  });
});

describe('events', () => {
  it('get a name of their own from generateName', async () => {
    const event = {
      apiVersion,
      kind: 'Event',
      metadata: { generateName: 'e-', namespace: 'default' },
      involvedObject: { kind: 'Task', name: 'a' },
      reason: 'X',
      message: 'm',
      type: 'Normal',
    };
    const { object } = await service.create(taskLoop, 'Event', event);
    expect(object.metadata.name).toMatch(/^e-[0-9a-f]{10}$/);
    expect((await service.delete(reaper, 'Event', 'default', object.metadata.name ?? '')).outcome).toBe(
      'deleted',
    );
  });
});

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  ApiHost,
  admin as me,
  nodeOf,
  reaper,
  refused,
  task,
  taskController as taskLoop,
} from '../../test/support/api-host.ts';
import { type ApiObject, apiVersion, type Identity, type Task } from '../api/index.ts';
import { realClock } from '../base/index.ts';
import type { Store } from '../store/index.ts';
import type { ApiService } from './service.ts';

const runner = nodeOf('n1');

let host: ApiHost;
let service: ApiService;
let store: Store;
let wallMs: number;

beforeEach(() => {
  wallMs = Date.UTC(2026, 0, 1);
  host = new ApiHost({ clock: { ...realClock, now: () => wallMs } });
  ({ service, store } = host);
});

afterEach(() => host.close());

const apply = (object: ApiObject, force = false) =>
  service.apply(me, 'Task', object, { fieldManager: 'river', force });

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
    host.mounts = ['/a:/a'];
    const plain = task('a', { runtime: undefined, image: 'busybox' });
    const made = await apply(plain);
    expect(made.object.spec).toMatchObject({ runtime: 'docker', mounts: ['/a:/a'] });
    host.mounts = ['/b:/b'];
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
    const condition = { type: 'Ready', status: 'True', reason: 'R', message: '' };
    const status = { session: 's1', conditions: [condition] };
    await service.create(runner, 'Node', { apiVersion, kind: 'Node', metadata: { name: 'n1' } });
    await service.patchStatus(runner, 'Node', '', 'n1', { status });
    const version = store.version();
    wallMs += 60_000;
    await apply(task('a', { env: { A: '1' } }));
    await service.update(me, 'Task', object);
    await service.patch(me, 'Task', 'default', 'a', { spec: { env: { A: '1' } } });
    const later = { ...condition, lastTransitionTime: '2026-01-01T00:01:00.000Z' };
    await service.patchStatus(runner, 'Node', '', 'n1', { status: { session: 's1', conditions: [later] } });
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
  const event = {
    apiVersion,
    kind: 'Event',
    metadata: { generateName: 'e-', namespace: 'default' },
    involvedObject: { kind: 'Task', name: 'a' },
    reason: 'X',
    message: 'm',
    type: 'Normal',
  };

  it('of a node say so, at creation and ever after, and are changed by that node only', async () => {
    const forged = { ...event, metadata: { name: 'e', namespace: 'default' }, source: { host: 'n2' } };
    const { object } = await service.create(runner, 'Event', forged);
    expect(object).toMatchObject({ source: { host: 'n1' } });
    const change = (who: Identity, patch: object) =>
      service.patch(who, 'Event', 'default', 'e', patch as Record<string, unknown>);
    expect((await change(runner, { count: 2 })).outcome).toBe('configured');
    expect((await refused(change(nodeOf('n2'), { count: 3 }))).code).toBe('Forbidden');
    expect((await refused(change(runner, { source: { host: 'n2' } }))).code).toBe('Forbidden');
  });

  it('get a name of their own from generateName', async () => {
    const { object } = await service.create(taskLoop, 'Event', event);
    expect(object.metadata.name).toMatch(/^e-[0-9a-f]{10}$/);
    expect((await service.delete(reaper, 'Event', 'default', object.metadata.name ?? '')).outcome).toBe(
      'deleted',
    );
  });
});

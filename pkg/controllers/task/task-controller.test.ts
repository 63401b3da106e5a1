import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type ControllerParts, ControlPlane } from '../../../test/support/control-plane.ts';
import { settle, until } from '../../../test/support/manual-clock.ts';
import { apiVersion, type Run } from '../../api/index.ts';
import { RiverError } from '../../base/index.ts';
import { RunReaper } from '../reaper/index.ts';
import { slimRun, slimTask } from './slim.ts';
import { TaskController } from './task-controller.ts';

describe('TaskController', () => {
  let plane: ControlPlane;

  beforeEach(() => {
    plane = new ControlPlane();
  });

  afterEach(() => plane.close());

  const start = () => plane.run('task', (parts) => new TaskController({ ...parts, clock: plane.clock }));
  const phaseOf = async (name: string) => (await plane.task(name)).status?.phase;

  async function bind(run: Run | undefined, node: string): Promise<Run> {
    const { namespace = '', name = '', uid = '' } = run?.metadata ?? {};
    return await plane.clientOf('scheduler').bind(namespace, name, { node, uid });
  }

  test('makes the Runs of a Task, folds them, and then writes nothing any more', async () => {
    await start();
    const node = await plane.joinNode('n1');
    await plane.applyTask('a', { targets: ['n1', 'n2'] });
    await until(async () => (await plane.runs()).length === 2);
    const [first, second] = await plane.runs();
    const bound = await bind(first, 'n1');
    await node.report(bound, { phase: 'Running' });
    await until(async () => (await phaseOf('a')) === 'Running');
    await node.report(bound, { phase: 'Succeeded', exitCode: 0 });
    await until(async () => (await plane.task('a')).status?.succeeded === 1);
    await settle();
    const version = plane.store.version();
    await settle();
    expect(plane.store.version()).toBe(version);
    expect((await plane.task('a')).status?.runs?.[0]?.name).toBe(second?.metadata.name);
    const events = (await plane.admin.list('Event')).items;
    expect(events.map((event) => event.message)).toEqual(['made 2 runs of revision 1']);
  });

  test('the same manifest again changes nothing', async () => {
    await start();
    await plane.applyTask('a');
    await until(async () => (await plane.runs()).length === 1);
    await settle();
    const version = plane.store.version();
    await plane.applyTask('a');
    await settle();
    expect(plane.store.version()).toBe(version);
  });

  test('a second controller with caches of its own, as after a crash, makes no second Run', async () => {
    await Promise.all([start(), start()]);
    await Promise.all(['a', 'b', 'c'].map((name) => plane.applyTask(name, { targets: ['x', 'y'] })));
    await until(async () => (await plane.runs()).length >= 6);
    plane.clock.advance(60_000);
    await settle();
    expect(await plane.runs()).toHaveLength(6);
  });

  test('a new revision starts when the old Run has ended, and not before', async () => {
    await start();
    const node = await plane.joinNode('n1');
    await plane.applyTask('a');
    await until(async () => (await plane.runs()).length === 1);
    const old = await bind((await plane.runs())[0], 'n1');
    await node.report(old, { phase: 'Running' });
    await plane.applyTask('a', { args: ['new'] });
    await until(async () => (await plane.runs())[0]?.spec.desired === 'Stopped');
    await settle();
    expect(await plane.runs()).toHaveLength(1);
    const { conditions } = (await plane.task('a')).status ?? {};
    expect(conditions?.find((condition) => condition.type === 'Scheduled')).toMatchObject({
      status: 'False',
      message: `waits for the end of runs of an earlier revision: ${old.metadata.name}`,
    });
    await node.report(old, { phase: 'Stopped' });
    await until(async () => (await plane.runs()).length === 2);
    expect((await plane.runs())[1]?.spec).toMatchObject({ revision: 2, args: ['new'], desired: 'Running' });
  });

  test('stop: a waiting Run ends at once', async () => {
    await start();
    await plane.applyTask('a');
    await until(async () => (await plane.runs()).length === 1);
    await plane.applyTask('a', { stopped: true });
    await until(async () => (await phaseOf('a')) === 'Stopped');
    expect((await plane.runs())[0]?.status?.phase).toBe('Stopped');
    await plane.applyTask('a', { stopped: false, rerun: '1' });
    await until(async () => (await plane.runs()).length === 2);
    expect(await phaseOf('a')).toBe('Pending');
  });

  test('a deleted Task goes when the nodes have confirmed that its Runs are gone', async () => {
    await start();
    await plane.run('reaper', (parts) => new RunReaper({ ...parts, clock: plane.clock }));
    const node = await plane.joinNode('n1');
    await plane.applyTask('a', { targets: ['n1', 'n2'] });
    await until(async () => (await plane.runs()).length === 2);
    const bound = await bind((await plane.runs())[0], 'n1');
    await node.report(bound, { phase: 'Running' });
    await plane.admin.delete('Task', 'default', 'a');
    await until(async () => (await plane.runs()).length === 1);
    await settle();
    const [left] = await plane.runs();
    expect([left?.spec.desired, left?.metadata.deletionTimestamp !== undefined, await phaseOf('a')]).toEqual([
      'Stopped',
      true,
      'Stopping',
    ]);
    const tornDown = {
      type: 'TornDown',
      status: 'True',
      reason: 'Removed',
      message: '',
      lastTransitionTime: '2026-11-22T00:00:00.000Z',
    } as const;
    await node.report(bound, { phase: 'Stopped', conditions: [tornDown] });
    await until(async () => (await plane.admin.list('Task')).items.length === 0);
    expect(await plane.runs()).toEqual([]);
  });

  test('a creation that is repeated, as by a cache that is behind, is no failure', async () => {
    const manager = await plane.run('task', ({ client, ...parts }) => {
      const create = async (...call: Parameters<typeof client.create>) => {
        await client.create(...call);
        return await client.create(...call);
      };
      const repeating = { create: create as typeof client.create, patch: client.patch.bind(client) };
      return new TaskController({
        ...parts,
        client: Object.assign(Object.create(client), repeating),
        clock: plane.clock,
      });
    });
    await plane.applyTask('a');
    await until(async () => (await plane.runs()).length === 1);
    await settle();
    expect(manager.metrics().queues.task?.failures).toBe(0);
  });

  test('when nothing is new, nothing is asked of the API', async () => {
    await plane.applyTask('a');
    const first = await start();
    await until(
      async () => (await plane.task('a')).status?.active === 1 && (await plane.runs()).length === 1,
    );
    await settle();
    await first.stop();
    const calls: string[] = [];
    const second = await plane.run('task', ({ client, ...parts }) => {
      const note = (name: string) => () => {
        calls.push(name);
        return Promise.reject(new Error('not expected'));
      };
      const watched = {
        create: note('create'),
        patch: note('patch'),
        delete: note('delete'),
        list: note('list'),
      };
      return new TaskController({
        ...parts,
        client: Object.assign(Object.create(client), watched),
        clock: plane.clock,
      });
    });
    await until(() => (second.metrics().queues.task?.processed ?? 0) > 0);
    expect(calls).toEqual([]);
  });

  test('a creation that fails is tried again, and its neighbours are made all the same', async () => {
    let refused = 0;
    const flaky = ({ client, ...parts }: ControllerParts) => {
      const wrapped = {
        create: ((...call: Parameters<typeof client.create>) => {
          const run = call[1] as Run;
          if (run.kind !== 'Run' || run.spec.ordinal !== 0 || refused++ > 0) return client.create(...call);
          return Promise.reject(new RiverError('ServiceUnavailable', 'disk full'));
        }) as typeof client.create,
        patch: client.patch.bind(client),
      };
      return new TaskController({
        ...parts,
        client: Object.assign(Object.create(client), wrapped),
        clock: plane.clock,
      });
    };
    await plane.run('task', flaky);
    await plane.applyTask('a', { targets: ['x', 'y'] });
    await until(async () => (await plane.runs()).length === 1);
    await settle();
    plane.clock.advance(100);
    await until(async () => (await plane.runs()).length === 2);
  });
});

test('slim objects keep all that the host reads', () => {
  const metadata = { name: 'r', namespace: 'default', managedFields: [] };
  const identity = {
    task: 't',
    revision: 1,
    ordinal: 0,
    attempt: 0,
    desired: 'Running',
    runtime: 'docker',
  } as const;
  const run: Run = {
    apiVersion,
    kind: 'Run',
    metadata,
    spec: { ...identity, script: 'long', env: { A: 'b' } },
  };
  expect(slimRun(run).spec).toEqual(identity);
  expect(run.spec.script).toBe('long');
  const task = { apiVersion, kind: 'Task', metadata, spec: { script: 'long' } } as const;
  expect(slimTask(task)).toEqual({ ...task, metadata: { name: 'r', namespace: 'default' } });
});

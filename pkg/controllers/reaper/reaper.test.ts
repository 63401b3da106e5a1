import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ControlPlane } from '../../../test/support/control-plane.ts';
import { settle, until } from '../../../test/support/manual-clock.ts';
import { apiVersion, buildRun, type Event, type Run } from '../../api/index.ts';
import { timestamp } from '../../base/index.ts';
import { TaskController } from '../task/index.ts';
import { EventReaper } from './event-reaper.ts';
import { RunReaper } from './run-reaper.ts';

describe('RunReaper', () => {
  let plane: ControlPlane;

  beforeEach(() => {
    plane = new ControlPlane();
  });

  afterEach(() => plane.close());

  const startTasks = () => plane.run('task', (parts) => new TaskController({ ...parts, clock: plane.clock }));
  const startReaper = () => plane.run('reaper', (parts) => new RunReaper({ ...parts, clock: plane.clock }));

  async function bind(run: Run | undefined, node: string): Promise<Run> {
    const { namespace = '', name = '', uid = '' } = run?.metadata ?? {};
    return await plane.clientOf('scheduler').bind(namespace, name, { node, uid });
  }

  async function finishedRun(ttlAfterFinished: string | undefined, finishedAt?: string): Promise<Run> {
    const node = await plane.joinNode('n1');
    await plane.applyTask('a', { ttlAfterFinished });
    await until(async () => (await plane.runs()).length === 1);
    const run = await bind((await plane.runs())[0], 'n1');
    await node.report(run, {
      phase: 'Succeeded',
      finishedAt: finishedAt ?? timestamp(plane.clock.now()),
    });
    return run;
  }

  const deleted = async () => (await plane.runs())[0]?.metadata.deletionTimestamp !== undefined;

  test('deletes a Run when its time is up, and it is not made again', async () => {
    await startTasks();
    await startReaper();
    await finishedRun('1h');
    await until(async () => (await plane.task('a')).status?.completed === '0');
    await settle();
    plane.clock.advance(3_599_999);
    await settle();
    expect(await deleted()).toBe(false);
    plane.clock.advance(1);
    await until(deleted);
    await settle();
    // Nothing goes before its node has confirmed.
    expect(await plane.runs()).toHaveLength(1);
    await plane.admin.delete('Node', '', 'n1');
    await until(async () => (await plane.runs()).length === 0);
    await settle();
    expect(await plane.runs()).toEqual([]);
    expect((await plane.task('a')).status).toMatchObject({ phase: 'Succeeded', completed: '0', runs: [] });
  });

  test.each(['2001-01-01T00:00:00.000Z', '2099-01-01T00:00:00.000Z'])(
    'a node whose clock shows %s takes no time of it away, and gives none',
    async (finishedAt) => {
      await startTasks();
      await startReaper();
      await finishedRun('1h', finishedAt);
      await until(async () => (await plane.task('a')).status?.completed === '0');
      plane.clock.advance(3_599_999);
      await settle();
      expect(await deleted()).toBe(false);
      plane.clock.advance(1);
      await until(deleted);
    },
  );

  test('never before the Task has recorded how it ended', async () => {
    const tasks = await startTasks();
    const node = await plane.joinNode('n1');
    await plane.applyTask('a', { ttlAfterFinished: '0s' });
    await until(async () => (await plane.runs()).length === 1);
    await settle();
    await tasks.stop();
    await startReaper();
    const run = await bind((await plane.runs())[0], 'n1');
    await node.report(run, { phase: 'Failed', finishedAt: timestamp(plane.clock.now()) });
    await settle();
    expect(await deleted()).toBe(false);
    await startTasks();
    await until(deleted);
    expect((await plane.task('a')).status?.ended).toBe('0');
  });

  test('without a ttl Runs stay; one that is set later counts', async () => {
    await startTasks();
    await startReaper();
    await finishedRun(undefined);
    plane.clock.advance(1e9);
    await settle();
    expect(await deleted()).toBe(false);
    await plane.applyTask('a', { ttlAfterFinished: '1h' });
    await until(deleted);
  });

  test('takes the finalizer off when the runner has confirmed, or when there never was one', async () => {
    await startTasks();
    await startReaper();
    const node = await plane.joinNode('n1');
    await plane.applyTask('a', { targets: ['n1', 'n2'] });
    await until(async () => (await plane.runs()).length === 2);
    const [bound, unbound] = await plane.runs();
    const run = await bind(bound, 'n1');
    const tasks = plane.clientOf('task');
    for (const each of [run, unbound]) await tasks.delete('Run', 'default', each?.metadata.name ?? '');
    // The Task wants it: it is made anew under the same name.
    await until(async () => (await plane.runs())[1]?.metadata.uid !== unbound?.metadata.uid);
    expect((await plane.runs())[0]?.metadata.uid).toBe(run.metadata.uid);
    const tornDown = {
      type: 'TornDown',
      status: 'True',
      reason: 'Removed',
      message: '',
      lastTransitionTime: timestamp(plane.clock.now()),
    } as const;
    await node.report(run, { phase: 'Stopped', conditions: [tornDown] });
    await until(async () => !(await plane.runs()).some((each) => each.metadata.uid === run.metadata.uid));
  });

  test('deletes Runs whose Task is gone, or is another of the same name', async () => {
    const task = await plane.applyTask('a');
    const tasks = plane.clientOf('task');
    const ghost = { ...task, metadata: { ...task.metadata, uid: 'gone' } };
    await tasks.create('Run', buildRun(ghost, { revision: 1, ordinal: 0, attempt: 0 }));
    await tasks.create(
      'Run',
      buildRun(
        { ...ghost, metadata: { ...ghost.metadata, name: 'b' } },
        { revision: 1, ordinal: 0, attempt: 0 },
      ),
    );
    await tasks.create('Run', buildRun(task, { revision: 1, ordinal: 0, attempt: 0 }));
    await startReaper();
    await until(async () => (await plane.runs()).length === 1);
    await settle();
    expect((await plane.runs())[0]?.metadata.ownerReferences?.[0]?.uid).toBe(task.metadata.uid);
  });
});

describe('EventReaper', () => {
  test('deletes Events an hour after they last happened', async () => {
    const plane = new ControlPlane();
    try {
      const client = plane.clientOf('task');
      const eventAt = (name: string, ageMs: number): Event => ({
        apiVersion,
        kind: 'Event',
        metadata: { name, namespace: 'default' },
        involvedObject: { kind: 'Task', name: 'a' },
        reason: 'Test',
        message: 'test',
        type: 'Normal',
        lastTimestamp: timestamp(plane.clock.now() - ageMs),
      });
      for (let index = 0; index < 250; index += 1)
        await client.create('Event', eventAt(`old-${index}`, 3_600_000));
      await client.create('Event', eventAt('young', 3_400_000));
      await plane.run(
        'reaper',
        ({ client: reaper }) => new EventReaper({ client: reaper, clock: plane.clock }),
      );
      const names = async () => (await plane.admin.list('Event')).items.map((event) => event.metadata.name);
      await until(async () => (await names()).length === 1);
      await settle();
      expect(await names()).toEqual(['young']);
      plane.clock.advance(300_000);
      await until(async () => (await names()).length === 0);
    } finally {
      await plane.close();
    }
  });
});

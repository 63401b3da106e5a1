import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ControlPlane } from '../../test/support/control-plane.ts';
import { settle, until } from '../../test/support/manual-clock.ts';
import { apiVersion } from '../api/index.ts';
import { RiverError, silentLogger } from '../base/index.ts';
import { EventRecorder } from './event-recorder.ts';
import { InformerSet } from './informer-set.ts';
import { Manager } from './manager.ts';
import { forEachLimited } from './settle.ts';

describe('on a real store', () => {
  let plane: ControlPlane;

  beforeEach(() => {
    plane = new ControlPlane();
  });

  afterEach(() => plane.close());

  test('the Manager lets no controller act before all caches are complete', async () => {
    await plane.applyTask('a');
    const { clock, rng } = plane;
    const client = plane.clientOf('task');
    const gate = Promise.withResolvers<void>();
    const gated = {
      watch: client.watch.bind(client),
      list: (async (...call: Parameters<typeof client.list>) => {
        if (call[0] === 'Run') await gate.promise;
        return await client.list(...call);
      }) as typeof client.list,
    };
    const informers = new InformerSet({ client: gated, clock, rng, logger: silentLogger });
    const seen: string[] = [];
    informers.of('Run');
    const controller = {
      name: 'test',
      watch: (enqueue: (key: string) => void) => informers.of('Task').onChange(enqueue),
      reconcile: async (key: string) => {
        seen.push(key);
        return undefined;
      },
    };
    const manager = new Manager({ informers, controllers: [controller], clock, rng, logger: silentLogger });
    const started = manager.start();
    await until(() => informers.of('Task').hasSynced());
    await settle();
    expect([seen, manager.metrics().queues.test?.depth]).toEqual([[], 1]);
    gate.resolve();
    await started;
    await until(() => seen.length === 1);
    await manager.stop();
    await plane.applyTask('b');
    await settle();
    expect(seen).toEqual(['default/a']);
  });

  test('the EventRecorder counts repetitions in one Event, across restarts and deletion', async () => {
    const task = await plane.applyTask('a');
    const client = plane.clientOf('task');
    const { clock } = plane;
    const make = () => new EventRecorder({ client, clock, logger: silentLogger, component: 'task' });
    const occurrence = { type: 'Normal', reason: 'RunsCreated', message: 'made 1 run' } as const;
    const counts = async () =>
      (await plane.admin.list('Event')).items.map((event) => [event.reason, event.count]);

    const first = make();
    first.record(task, occurrence);
    await first.flush();
    first.record(task, occurrence);
    first.record(task, occurrence);
    first.record(task, { ...occurrence, reason: 'Other' });
    await first.flush();
    expect((await counts()).sort()).toEqual([
      ['Other', 1],
      ['RunsCreated', 3],
    ]);

    const second = make();
    second.record(task, occurrence);
    await second.flush();
    expect((await counts()).sort()).toEqual([
      ['Other', 1],
      ['RunsCreated', 4],
    ]);

    const events = (await plane.admin.list('Event')).items;
    expect(events[0]?.involvedObject).toMatchObject({ kind: 'Task', name: 'a', uid: task.metadata.uid });
    for (const event of events)
      await plane.clientOf('reaper').delete('Event', 'default', event.metadata.name ?? '');
    second.record(task, occurrence);
    await second.flush();
    expect(await counts()).toEqual([['RunsCreated', 1]]);
  });

  test('the EventRecorder drops what it cannot write, and never throws', async () => {
    const refuse = () => Promise.reject(new RiverError('ServiceUnavailable', 'disk full'));
    const client = { create: refuse, get: refuse, patch: refuse };
    const recorder = new EventRecorder({
      client,
      clock: plane.clock,
      logger: silentLogger,
      component: 'task',
    });
    const about = { apiVersion, kind: 'Task', metadata: { name: 'a', namespace: 'default' } };
    for (let index = 0; index < 3000; index += 1) {
      recorder.record(about, { type: 'Normal', reason: 'Many', message: `number ${index}` });
    }
    expect(recorder.metrics().pending).toBeLessThanOrEqual(2000);
    await recorder.flush();
    expect(recorder.metrics()).toEqual({ pending: 0, dropped: 3000 });
  });
});

describe('forEachLimited', () => {
  test('does all, at most so many at a time, and raises the first failure at the end', async () => {
    let active = 0;
    let most = 0;
    const done: number[] = [];
    const work = async (item: number) => {
      most = Math.max(most, ++active);
      await settle(1);
      active -= 1;
      if (item === 1) throw new Error('one');
      done.push(item);
    };
    await expect(forEachLimited([0, 1, 2, 3, 4], 2, work)).rejects.toThrow('one');
    expect([done.length, most]).toEqual([4, 2]);
    await forEachLimited([], 2, work);
  });
});

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ControlPlane } from '../../test/support/control-plane.ts';
import { settle, until } from '../../test/support/manual-clock.ts';
import { getCondition, type Run } from '../api/index.ts';
import { RiverError, silentLogger } from '../base/index.ts';
import type { Client } from '../client/index.ts';
import { TaskController } from '../controllers/task/index.ts';
import { Scheduler } from './scheduler.ts';

describe('Scheduler', () => {
  let plane: ControlPlane;

  beforeEach(async () => {
    plane = new ControlPlane();
    await plane.run('task', (parts) => new TaskController({ ...parts, clock: plane.clock }));
  });

  afterEach(() => plane.close());

  async function startScheduler(wrap: (client: Client) => Client = (client) => client) {
    const { clock, rng } = plane;
    return await plane.run(
      'scheduler',
      (parts) =>
        new Scheduler({
          ...parts,
          client: wrap(parts.client),
          clock,
          rng,
          logger: silentLogger,
          policy: 'leastLoaded',
        }),
    );
  }

  const why = (run: Run | undefined) => getCondition(run?.status?.conditions, 'Scheduled')?.message;
  const phases = async () => (await plane.runs()).map((run) => run.status?.phase);

  test('binds what waits, up to what there is, and the rest when room gets free', async () => {
    const node = await plane.joinNode('n1');
    await startScheduler();
    for (const name of ['a', 'b', 'c']) await plane.applyTask(name, { resources: { cores: 4 } });
    await until(
      async () => why((await plane.runs()).find((run) => run.status?.phase === 'Pending')) !== undefined,
    );
    const waiting = (await plane.runs()).filter((run) => run.status?.phase === 'Pending');
    expect(waiting.map(why)).toEqual(['0/1 nodes fit: n1: 0 of 8 cores free, needs 4']);

    const bound = (await plane.runs()).find((run) => run.spec.placement?.node === 'n1') as Run;
    await node.report(bound, { phase: 'Succeeded' });
    await until(async () => (await phases()).every((phase) => phase !== 'Pending'));
  });

  test('what runs in an environment waits until that has a digest, and says for what; then keeps it', async () => {
    const digest = `sha256:${'a'.repeat(64)}`;
    const builder = plane.clientOf('environment');
    const report = (status: object) =>
      builder.patch('Environment', '', 'py', { status }, { subresource: 'status' });
    await plane.joinNode('n1', { runtimes: ['docker'] });
    await startScheduler();
    await plane.applyTask('a', { runtime: 'docker', environment: 'py' });
    const run = async () => (await plane.runs())[0];
    await until(async () => why(await run()) === 'environment py does not exist yet: apply it');
    await plane.admin.create('Environment', {
      apiVersion: 'river.dev/v1',
      kind: 'Environment',
      metadata: { name: 'py' },
      spec: { from: { image: 'busybox' } },
    });
    await report({ phase: 'Building', progress: 'step 1/2' });
    await until(async () => why(await run()) === 'environment py is being built: step 1/2');
    expect(getCondition((await run())?.status?.conditions, 'Scheduled')?.reason).toBe('EnvironmentNotReady');
    await expect(
      plane.clientOf('scheduler').bind('default', (await run())?.metadata.name ?? '', {
        node: 'n1',
        uid: (await run())?.metadata.uid ?? '',
      }),
    ).rejects.toThrow('environment py is being built');

    await report({ phase: 'Ready', digest });
    await until(async () => (await run())?.spec.placement?.node === 'n1');
    await report({ digest: `sha256:${'b'.repeat(64)}` });
    expect((await run())?.spec.placement?.environment).toEqual({ name: 'py', digest });
  });

  test('more than a round takes: all get a node, no node too much', async () => {
    await plane.joinNode('n1');
    await plane.joinNode('n2');
    await startScheduler();
    await Promise.all(
      Array.from({ length: 150 }, (_, index) => plane.applyTask(`t${index}`, { resources: { cores: 0.1 } })),
    );
    await until(async () => (await phases()).filter((phase) => phase === 'Scheduled').length === 150);
    const onFirst = (await plane.runs()).filter((run) => run.spec.placement?.node === 'n1');
    expect(onFirst.length).toBe(75);
  });

  test('a target that does not exist yet waits, says so, and runs when it joins', async () => {
    await plane.joinNode('n1');
    await startScheduler();
    await plane.applyTask('a', { targets: ['n2'] });
    await until(async () => why((await plane.runs())[0]) === 'node n2 does not exist yet; nodes are: n1');
    await plane.joinNode('n2');
    await until(async () => (await plane.runs())[0]?.spec.placement?.node === 'n2');
  });

  test('nothing that waits is written twice, and amounts alone not at once', async () => {
    const node = await plane.joinNode('n1');
    await startScheduler();
    await plane.applyTask('small', { resources: { cores: 2 } });
    await plane.applyTask('small2', { resources: { cores: 1 } });
    await until(async () => (await phases()).every((phase) => phase === 'Scheduled'));
    await plane.applyTask('big', { resources: { cores: 7 } });
    const big = async () => (await plane.runs()).find((run) => run.spec.task === 'big');
    await until(async () => why(await big()) === '0/1 nodes fit: n1: 5 of 8 cores free, needs 7');
    await settle();
    const before = (await big())?.metadata.resourceVersion;

    const small = (await plane.runs()).find((run) => run.spec.task === 'small2') as Run;
    await node.report(small, { phase: 'Succeeded' });
    await settle();
    expect((await big())?.metadata.resourceVersion).toBe(before);
    plane.clock.advance(30_000);
    await until(async () => why(await big()) === '0/1 nodes fit: n1: 6 of 8 cores free, needs 7');
    await settle();
    const version = plane.store.version();
    await settle();
    expect(plane.store.version()).toBe(version);
  });

  test('a suspended Task starts nothing until it is resumed', async () => {
    await plane.applyTask('a', { targets: ['n1'] });
    await until(async () => (await plane.runs()).length === 1);
    await plane.applyTask('a', { targets: ['n1'], suspend: true });
    await startScheduler();
    await plane.joinNode('n1');
    await until(
      async () => why((await plane.runs())[0])?.startsWith('spec.suspend of its task is true') === true,
    );
    await settle();
    expect(await phases()).toEqual(['Pending']);
    await plane.applyTask('a', { targets: ['n1'], suspend: false });
    await until(async () => (await phases())[0] === 'Scheduled');
  });

  test('a refused binding is tried again later, and its room is free meanwhile', async () => {
    await plane.joinNode('n1');
    let refusals = 0;
    await startScheduler((client) => {
      const wrapped = Object.create(client) as Client;
      wrapped.bind = (namespace, run, binding) => {
        if (refusals++ > 0) return client.bind(namespace, run, binding);
        return Promise.reject(new RiverError('Conflict', 'does not fit any more'));
      };
      wrapped.patch = client.patch.bind(client);
      return wrapped;
    });
    await plane.applyTask('a', { resources: { cores: 8 } });
    await until(() => refusals === 1);
    await settle();
    expect(await phases()).toEqual(['Pending']);
    plane.clock.advance(100);
    await until(async () => (await phases())[0] === 'Scheduled');
  });

  test('a Run that its runner refuses goes to another node', async () => {
    const node = await plane.joinNode('n1');
    await startScheduler();
    await plane.applyTask('a');
    await until(async () => (await phases())[0] === 'Scheduled');
    const run = (await plane.runs())[0] as Run;
    await node.report(run, { phase: 'Pending', reason: 'Refused', message: 'no', avoid: ['n1'] });
    await until(
      async () => why((await plane.runs())[0]) === '0/1 nodes fit: n1: its runner has refused this run',
    );
    await plane.joinNode('n2');
    await until(async () => (await plane.runs())[0]?.spec.placement?.node === 'n2');
  });
});

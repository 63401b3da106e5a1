import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ControlPlane, type TestNode } from '../../../test/support/control-plane.ts';
import { settle, until } from '../../../test/support/manual-clock.ts';
import { getCondition, type Run } from '../../api/index.ts';
import { silentLogger, timestamp } from '../../base/index.ts';
import { TaskController } from '../task/index.ts';
import { type Leases, NodeController } from './node-controller.ts';

describe('NodeController', () => {
  let plane: ControlPlane;
  let node: TestNode;
  let leases: Leases;

  beforeEach(async () => {
    plane = new ControlPlane();
    leases = plane.service.leases;
    await plane.run('task', (parts) => new TaskController({ ...parts, clock: plane.clock }));
    node = await plane.joinNode('n1');
  });

  afterEach(() => plane.close());

  const start = () =>
    plane.run(
      'node',
      (parts) => new NodeController({ ...parts, leases, clock: plane.clock, logger: silentLogger }),
    );

  async function ready(): Promise<string | undefined> {
    const { status } = await plane.admin.get('Node', '', 'n1');
    return getCondition(status?.conditions, 'Ready')?.status;
  }

  async function boundRun(phase: 'Scheduled' | 'Running' = 'Running'): Promise<Run> {
    await plane.applyTask('a');
    await until(async () => (await plane.runs()).length === 1);
    const [run] = await plane.runs();
    const { namespace = '', name = '', uid = '' } = run?.metadata ?? {};
    const bound = await plane.clientOf('scheduler').bind(namespace, name, { node: 'n1', uid });
    if (phase === 'Running') await node.report(bound, { phase });
    return bound;
  }

  test('a node that beats stays Ready; one that falls silent for a lease does not, nor do its Runs', async () => {
    await start();
    await boundRun();
    for (let beat = 0; beat < 6; beat += 1) {
      plane.clock.advance(10_000);
      await node.beat();
      await settle(5);
    }
    expect(await ready()).toBe('True');
    plane.clock.advance(29_999);
    await settle();
    expect(await ready()).toBe('True');
    plane.clock.advance(1);
    await until(async () => (await ready()) === 'Unknown');
    await until(async () => (await plane.runs())[0]?.status?.phase === 'Lost');
    expect((await plane.runs())[0]?.status).toMatchObject({ reason: 'LeaseExpired' });
    expect((await plane.runs())[0]?.spec.placement).toEqual({ node: 'n1' });
    await settle();
    const version = plane.store.version();
    plane.clock.advance(300_000);
    await settle();
    expect(plane.store.version()).toBe(version);
  });

  test('back again: the runner says so, which is its first sign of life, and the next silence is noticed too', async () => {
    await start();
    const run = await boundRun();
    plane.clock.advance(30_000);
    await until(async () => (await plane.runs())[0]?.status?.phase === 'Lost');
    const lastTransitionTime = timestamp(plane.clock.now());
    const condition = {
      type: 'Ready',
      status: 'True',
      reason: 'RunnerReady',
      message: '',
      lastTransitionTime,
    } as const;
    await node.patchNode({ conditions: [condition] });
    await node.report(run, { phase: 'Running' });
    await settle();
    expect(getCondition((await plane.admin.get('Node', '', 'n1')).status?.conditions, 'Ready')?.reason).toBe(
      'RunnerReady',
    );
    expect([await ready(), (await plane.runs())[0]?.status?.phase]).toEqual(['True', 'Running']);
    plane.clock.advance(30_000);
    await until(async () => (await plane.runs())[0]?.status?.phase === 'Lost');
  });

  test('after a start of the host every node has one full lease', async () => {
    plane.clock.advance(600_000);
    leases = { leaseMs: 30_000, lastSeen: () => undefined };
    await start();
    plane.clock.advance(29_999);
    await settle();
    expect(await ready()).toBe('True');
    plane.clock.advance(1);
    await until(async () => (await ready()) === 'Unknown');
  });

  test('a node that joins later has a lease too', async () => {
    await start();
    plane.clock.advance(29_000);
    const late = await plane.joinNode('n2');
    await settle();
    plane.clock.advance(1_000);
    await settle();
    const { status } = await plane.admin.get('Node', '', late.name);
    expect(getCondition(status?.conditions, 'Ready')?.status).toBe('True');
  });

  test('a Run that is bound in the moment of expiry is Lost as well', async () => {
    await start();
    await settle();
    const bound = boundRun('Scheduled');
    await until(async () => (await plane.runs()).length === 1);
    plane.clock.advance(30_000);
    await bound;
    await until(async () => (await plane.runs())[0]?.status?.phase === 'Lost');
  });

  const now = () => timestamp(plane.clock.now());

  /** As a runner that knows nothing of version skew says it. */
  const sayReady = () => {
    const ready = { type: 'Ready', status: 'True', reason: 'RunnerReady', message: '' } as const;
    return node.patchNode({
      versions: { river: '0.1.0' },
      conditions: [{ ...ready, lastTransitionTime: now() }],
    });
  };
  const skew = async () => {
    const { status } = await plane.admin.get('Node', '', 'n1');
    return getCondition(status?.conditions, 'VersionSkew')?.status;
  };

  test('a host that is upgraded too far lets a node take no new Runs, until the versions are near again', async () => {
    await sayReady();
    const run = await boundRun();
    plane.version = '0.4.0';
    await plane.applyTask('b');
    await until(async () => (await plane.runs()).length === 2);
    const waiting = (await plane.runs()).find(({ status }) => status?.phase === 'Pending');
    const { name = '', uid = '' } = waiting?.metadata ?? {};
    const bind = () => plane.clientOf('scheduler').bind('default', name, { node: 'n1', uid });
    await expect(bind()).rejects.toThrow('not Ready (VersionSkew)');
    await start();
    await until(async () => (await skew()) === 'True');
    expect(await ready()).toBe('False');
    const version = plane.store.version();
    await sayReady();
    await settle();
    expect(plane.store.version()).toBe(version);
    await expect(fence()).rejects.toThrow('is alive: river drain n1');
    await expect(bind()).rejects.toThrow('not Ready (VersionSkew)');
    await node.report(run, { phase: 'Succeeded' });
    plane.version = '0.2.0';
    await sayReady();
    await until(async () => (await skew()) === 'False');
    expect(await ready()).toBe('True');
    await bind();
  });

  test('after an upgrade of the host to a version that is near enough the node controller takes the condition back', async () => {
    plane.version = '0.4.0';
    await sayReady();
    plane.version = '0.2.0';
    await start();
    await until(async () => (await skew()) === 'False');
    expect(await ready()).toBe('False');
    await sayReady();
    expect(await ready()).toBe('True');
  });

  const fence = async () => {
    const spec = { fencedAt: timestamp(plane.clock.now()) };
    await plane.admin.patch('Node', '', 'n1', { spec });
    return spec.fencedAt;
  };
  const only = async () => (await plane.runs())[0];

  test('a fence lets Lost Runs fail; a late report is refused and counted; the fence goes after the clean-up', async () => {
    await start();
    const run = await boundRun();
    await expect(fence()).rejects.toThrow('is alive: river drain n1');
    plane.clock.advance(30_000);
    await until(async () => (await only())?.status?.phase === 'Lost');
    const fencedAt = await fence();
    await until(async () => (await only())?.status?.reason === 'Fenced');
    expect((await only())?.status?.phase).toBe('Failed');
    const before = plane.service.metrics.refusals.transition;
    await expect(node.report(run, { phase: 'Succeeded' })).rejects.toThrow('cannot go from Failed');
    expect(plane.service.metrics.refusals.transition).toBe(before + 1);
    await expect(plane.admin.patch('Node', '', 'n1', { spec: { fencedAt: null } })).rejects.toThrow(
      'nobody can take it off',
    );
    await node.patchNode({ cleanedUpFor: fencedAt });
    await until(async () => (await plane.admin.get('Node', '', 'n1')).spec?.fencedAt === undefined);
    await settle();
    const version = plane.store.version();
    await settle();
    expect(plane.store.version()).toBe(version);
  });

  test('nothing is bound to a node that is fenced, also when its runner says Ready', async () => {
    const silent = { type: 'Ready', status: 'Unknown', reason: 'LeaseExpired', message: '' } as const;
    await node.patchNode({ conditions: [{ ...silent, lastTransitionTime: now() }] });
    await fence();
    await sayReady();
    expect(await ready()).toBe('True');
    await plane.applyTask('a');
    await until(async () => (await plane.runs()).length === 1);
    const { name = '', uid = '' } = (await only())?.metadata ?? {};
    await expect(plane.clientOf('scheduler').bind('default', name, { node: 'n1', uid })).rejects.toThrow(
      'fenced, until its runner is back and has cleaned up',
    );
    expect((await only())?.status?.phase).toBe('Pending');
  });

  test('a report in the same moment as the fence does not win over it, whatever it says', async () => {
    const run = await boundRun();
    const expired = await start();
    plane.clock.advance(30_000);
    await until(async () => (await only())?.status?.phase === 'Lost');
    await expired.stop();
    await fence();
    await expect(node.report(run, { phase: 'Succeeded' })).rejects.toThrow('node n1 is fenced');
    await expect(node.report(run, { phase: 'Running' })).rejects.toThrow('node n1 is fenced');
    expect(plane.service.metrics.refusals.fence).toBe(2);
    await start();
    await until(async () => (await only())?.status?.reason === 'Fenced');
  });

  test('only a fence lets the host say that a Run has failed', async () => {
    const run = await boundRun();
    await start();
    plane.clock.advance(30_000);
    await until(async () => (await only())?.status?.phase === 'Lost');
    const status = { phase: 'Failed', reason: 'Fenced' };
    const failed = plane
      .clientOf('node')
      .patch('Run', 'default', run.metadata.name ?? '', { status }, { subresource: 'status' });
    await expect(failed).rejects.toThrow('unless a person has fenced');
  });

  test('a drain stops what runs, which is made again, uncounted, and waits', async () => {
    await start();
    const run = await boundRun();
    await plane.admin.patch('Node', '', 'n1', { spec: { drain: true } });
    await until(async () => (await only())?.spec.evicted === true);
    expect((await only())?.spec.desired).toBe('Stopped');
    await node.report(run, { phase: 'Stopped', reason: 'Drained' });
    await until(async () => (await plane.runs()).length === 2);
    const next = (await plane.runs()).find(({ spec }) => spec.attempt === 1);
    expect(next?.spec.retries).toBeUndefined();
    const { namespace = '', name = '', uid = '' } = next?.metadata ?? {};
    const bind = plane.clientOf('scheduler').bind(namespace, name, { node: 'n1', uid });
    await expect(bind).rejects.toThrow('drained, until river uncordon');
  });

  test('Runs of a Node that was deleted are Lost', async () => {
    await start();
    await boundRun();
    await plane.admin.delete('Node', '', 'n1');
    await until(async () => (await plane.runs())[0]?.status?.phase === 'Lost');
    expect((await plane.runs())[0]?.status?.reason).toBe('NodeDeleted');
  });
});

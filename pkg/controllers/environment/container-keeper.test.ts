import { afterEach, beforeEach, expect, it } from 'vitest';
import { ControlPlane } from '../../../test/support/control-plane.ts';
import { FakeBuilder } from '../../../test/support/fake-builder.ts';
import { FakeContainers } from '../../../test/support/fake-containers.ts';
import { settle, until } from '../../../test/support/manual-clock.ts';
import { type EnvironmentSpec, getCondition } from '../../api/index.ts';
import { hasCode, RiverError } from '../../base/index.ts';
import { noChanges, workingContainers } from '../../builder/index.ts';
import { EnvironmentController } from './environment-controller.ts';

let plane: ControlPlane;
let containers: FakeContainers;
let builder: FakeBuilder;
const person = { role: 'admin', name: 'ann' } as const;

beforeEach(async () => {
  plane = new ControlPlane();
  containers = new FakeContainers();
  builder = new FakeBuilder();
  await run();
});
afterEach(() => plane.close());

const run = () =>
  plane.run(
    'environment',
    (parts) => new EnvironmentController({ ...parts, builder, containers, clock: plane.clock }),
  );
const get = () => plane.admin.get('Environment', '', 'a');
const status = async () => (await get()).status ?? {};
const ready = async () => getCondition((await status()).conditions, 'ContainerReady');
const reason = (wanted: string) => async () => (await ready())?.reason === wanted;
const from = { image: 'busybox' };
const apply = (spec: Partial<EnvironmentSpec> = {}) =>
  plane.admin.apply(
    {
      apiVersion: 'river.dev/v1',
      kind: 'Environment',
      metadata: { name: 'a' },
      spec: { from, interactive: true, ...spec },
    },
    { fieldManager: 'river' },
  );
const running = async (spec: Partial<EnvironmentSpec> = {}) => {
  await apply(spec);
  await until(reason('Running'));
  return (await status()).digest;
};
const steps = [{ run: 'true' }];
const commit = (message?: string) =>
  plane.service.requestOfEnvironment(person, 'a', { action: 'commit', message });
const answered = async () => (await status()).request === undefined;
const touched = async () => {
  containers.touch('a', '/work');
  // Only after some time the engine is asked again.
  plane.clock.advance(2000);
  await until(async () => (await status()).container?.changes?.added === 1);
};

it('makes a container of what is built, and writes no more once it is at rest', async () => {
  const digest = await running({ limits: { cores: 0.5, memory: '64Mi' } });
  const { container } = await status();
  expect(container).toMatchObject({
    id: 'c1',
    name: 'river-env-a',
    phase: 'Running',
    digest,
    changes: noChanges,
  });
  expect(containers.there.get('a')?.limits).toEqual({ milliCores: 500, memoryBytes: 64 * 2 ** 20 });
  const { resourceVersion } = (await get()).metadata;
  const { reads } = containers;
  plane.clock.advance(24 * 3_600_000);
  await settle();
  expect([(await get()).metadata.resourceVersion, containers.reads]).toEqual([resourceVersion, reads]);
});

it('asks no engine for an environment that is not interactive', async () => {
  containers.fail = new RiverError('ServiceUnavailable', 'there is no engine');
  await apply({ interactive: false });
  await until(async () => (await status()).phase === 'Ready');
  await settle();
  expect(await ready()).toBeUndefined();
});

it('shows what is in it and not committed, soon after somebody has left it and seldom while somebody is in it', async () => {
  await running();
  containers.use('a', { inUse: true });
  await settle();
  plane.clock.advance(2000);
  await settle();
  containers.there.get('a')!.changes = { added: 1, changed: 2, deleted: 3, paths: ['A /x'] };
  const { reads } = containers;
  plane.clock.advance(20_000);
  await settle();
  expect(containers.reads).toBe(reads);
  plane.clock.advance(15_000);
  await until(async () => (await status()).container?.changes?.deleted === 3);
});

it('stops and starts it, and limits it anew, without a new one', async () => {
  await running();
  await apply({ suspend: true });
  await until(reason('Suspended'));
  expect((await status()).container?.phase).toBe('Stopped');
  await apply({ suspend: false, limits: { cores: 2 } });
  await until(reason('Running'));
  expect(containers.done).toEqual(['create a', 'start a', 'stop a', 'start a', 'limit a']);
});

it('puts one on the new digest in its place when nothing is in it, and not while somebody is in it', async () => {
  const first = await running();
  containers.use('a', { inUse: true });
  await apply({ steps });
  await until(reason('Behind'));
  expect((await ready())?.message).toContain('when nobody is in it any more');
  expect((await status()).container?.digest).toBe(first);
  containers.use('a', { inUse: false });
  await until(reason('Running'));
  const { container, digest } = await status();
  expect(container).toMatchObject({ id: 'c2', digest });
});

it('never throws work away: it stays on its digest until that is committed', async () => {
  const first = await running({ keep: 1 });
  await touched();
  await apply({ steps, keep: 1 });
  await until(reason('Behind'));
  await until(() => builder.collected.length === 2);
  expect(builder.collected.map(({ digest }) => digest)).toContain(first);
  expect((await ready())?.message).toContain('because of 1 change that is not committed');
  expect((await status()).container).toMatchObject({ id: 'c1', digest: first });
  await commit('by hand');
  await until(answered);
  const { history, digest, conditions } = await status();
  expect(history?.[0]).toMatchObject({
    digest,
    commit: { by: 'ann', message: 'by hand', parentDigest: first },
  });
  expect(getCondition(conditions, 'Committed')).toMatchObject({ status: 'True' });
  await until(reason('Running'));
  expect((await status()).container).toMatchObject({ id: 'c2', digest, changes: noChanges });
});

it('looks again before it removes one: the engine does not tell of everything that is written', async () => {
  await running();
  Object.assign(containers.there.get('a') ?? {}, { changes: { ...noChanges, added: 1 } });
  await apply({ steps });
  await until(reason('Behind'));
  expect(containers.done).not.toContain('remove a');
});

it('throws it away when a person says so', async () => {
  await running();
  await touched();
  await plane.service.requestOfEnvironment(person, 'a', { action: 'discard' });
  await until(async () => (await status()).container?.id === 'c2');
  expect((await status()).container?.changes).toEqual(noChanges);
});

it('without interactive it goes; with what is not committed it is only stopped', async () => {
  await running();
  await touched();
  await apply({ interactive: false });
  await until(reason('Kept'));
  expect((await ready())?.message).toContain('river discard env/a');
  expect(containers.there.get('a')?.running).toBe(false);
  await commit();
  await until(async () => (await status()).container === undefined);
  expect(containers.there.size).toBe(0);
  expect((await status()).history).toHaveLength(2);
});

it('a deletion waits for what is not committed, and says for what', async () => {
  await running();
  await touched();
  await plane.admin.delete('Environment', '', 'a');
  await until(async () => (await getCondition((await status()).conditions, 'Ready'))?.reason === 'InUse');
  expect(getCondition((await status()).conditions, 'Ready')?.message).toContain('river discard env/a');
  await expect(commit()).rejects.toThrow('is being deleted');
  await plane.service.requestOfEnvironment(person, 'a', { action: 'discard' });
  await until(() =>
    get().then(
      () => false,
      (error) => hasCode(error, 'NotFound'),
    ),
  );
  expect(containers.there.size).toBe(0);
});

it('a commit stays in use until the manifest changes; the build that follows says what is not in it', async () => {
  await running();
  await touched();
  await commit();
  await until(answered);
  const { digest } = await status();
  await apply({ keep: 5 });
  await until(async () => (await status()).observedGeneration === 2);
  await settle();
  expect([(await status()).digest, builder.built.length]).toEqual([digest, 1]);
  await apply({ keep: 5, steps });
  await until(async () => (await status()).digest !== digest);
  const built = getCondition((await status()).conditions, 'Built');
  expect(built?.message).toContain(
    `the commit ${digest?.slice(7, 19)} is not in it: river rollback env/a --to`,
  );
});

it('keeps the container in which somebody is when it is committed, and knows afterwards that all is', async () => {
  await running();
  await touched();
  containers.use('a', { inUse: true });
  await settle();
  await commit();
  await until(answered);
  await settle();
  const { container, digest } = await status();
  expect(container).toMatchObject({ id: 'c1', digest });
  expect(container?.changes).toBeUndefined();
  containers.use('a', { inUse: false });
  await settle();
  plane.clock.advance(2000);
  await until(async () => (await status()).container?.id === 'c2');
});

it('one request at a time; none that could not be done; a commit of nothing says so', async () => {
  await expect(commit()).rejects.toThrow('not found');
  await apply({ interactive: false });
  await until(async () => (await status()).phase === 'Ready');
  await expect(commit()).rejects.toThrow('set interactive: true');
  await running();
  await commit();
  await until(answered);
  expect(getCondition((await status()).conditions, 'Committed')).toMatchObject({
    status: 'False',
    message: expect.stringContaining('nothing has changed in the working container since'),
  });
  await touched();
  let open = () => {};
  containers.gate = new Promise((resolve) => {
    open = resolve;
  });
  await commit();
  await expect(commit()).rejects.toThrow('has a commit under way that ann asked for');
  open();
  await until(answered);
});

it('a commit that could not be done is tried again, also by the next host', async () => {
  await running();
  await touched();
  containers.fail = new RiverError('ServiceUnavailable', 'the engine is away');
  await commit();
  const committed = async () => getCondition((await status()).conditions, 'Committed');
  await until(async () => (await committed())?.reason === 'WillRetry');
  containers.fail = undefined;
  await settle();
  expect(containers.committed).toHaveLength(0);
  await run();
  await until(answered);
  expect((await committed())?.status).toBe('True');
});

it('says what an engine that was wiped has lost, and makes one anew', async () => {
  await running();
  await touched();
  containers.wipe();
  await until(reason('MadeAnew'));
  expect((await ready())?.message).toContain('with 1 change that is not committed');
  containers.use('a', {});
  await settle();
  expect((await ready())?.reason).toBe('MadeAnew');
  await touched();
  await apply({ suspend: true });
  await until(reason('Suspended'));
  containers.wipe();
  await until(async () => (await status()).container?.id === 'c3');
  await until(async () =>
    (await plane.admin.list('Event')).items.some(
      ({ reason, count }) => reason === 'ContainerLost' && count === 2,
    ),
  );
});

it('does not try again what cannot be worked in, until there is another digest', async () => {
  containers.create = async () => {
    containers.done.push('create');
    throw new RiverError('Invalid', 'it has no /bin/sh');
  };
  await apply();
  await until(reason('CannotRun'));
  plane.clock.advance(60_000);
  await settle();
  expect(containers.done).toHaveLength(1);
  await apply({ steps });
  await until(() => containers.done.length === 2);
});

it('tells who wants to go into it why that is not possible', async () => {
  const { container } = workingContainers({ environment: get, containers });
  const refused = (message: string) => expect(container('a')).rejects.toThrow(message);
  await refused('not found');
  await apply({ interactive: false });
  await refused('set interactive: true');
  await running();
  expect(await container('a')).toBe('c1');
  await apply({ suspend: true });
  await refused('set suspend: false');
});

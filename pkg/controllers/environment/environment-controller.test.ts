import { afterEach, beforeEach, expect, it } from 'vitest';
import { ControlPlane } from '../../../test/support/control-plane.ts';
import { FakeBuilder } from '../../../test/support/fake-builder.ts';
import { FakeContainers } from '../../../test/support/fake-containers.ts';
import { settle, until } from '../../../test/support/manual-clock.ts';
import { type EnvironmentSpec, environmentHash, finalizers, getCondition } from '../../api/index.ts';
import { hasCode, RiverError } from '../../base/index.ts';
import { EnvironmentController } from './environment-controller.ts';
import { kept } from './wanted.ts';

let plane: ControlPlane;
let builder: FakeBuilder;

beforeEach(async () => {
  plane = new ControlPlane();
  builder = new FakeBuilder();
  await plane.run(
    'environment',
    (parts) =>
      new EnvironmentController({ ...parts, builder, containers: new FakeContainers(), clock: plane.clock }),
  );
});
afterEach(() => plane.close());

const get = (name: string) => plane.admin.get('Environment', '', name);
const apply = (name: string, spec: EnvironmentSpec) =>
  plane.admin.apply(
    { apiVersion: 'river.dev/v1', kind: 'Environment', metadata: { name }, spec },
    { fieldManager: 'river' },
  );
const phase = (wanted: string) => async () => (await get('a')).status?.phase === wanted;
const from = { image: 'busybox' };

it('builds once, and nothing again for what does not change the image', async () => {
  await apply('a', { from });
  await until(phase('Ready'));
  await apply('a', { from, keep: 3, prefetch: true });
  await until(async () => (await get('a')).status?.observedGeneration === 2);
  await settle();
  expect(builder.built).toHaveLength(1);
});

it('keeps the digest when a build fails, and does not try the same again', async () => {
  await apply('a', { from });
  await until(phase('Ready'));
  const { digest } = (await get('a')).status ?? {};
  builder.fail = new RiverError('Invalid', 'step 1/1 ended with exit code 1');
  await apply('a', { from, steps: [{ run: 'false' }] });
  await until(phase('Failed'));
  await settle();
  const { status } = await get('a');
  expect([status?.digest, builder.built.length]).toEqual([digest, 2]);
  expect(getCondition(status?.conditions, 'Ready')).toMatchObject({ status: 'True', reason: 'BuildFailed' });
});

it.each([
  ['the engine or the disk is to blame for', 'ServiceUnavailable', 20_000],
  ['was not there', 'NotFound', 60_000],
] as const)('tries again what %s', async (_what, code, afterMs) => {
  builder.fail = new RiverError(code, 'it is away');
  await apply('a', { from });
  await until(phase('Failed'));
  await settle();
  expect(builder.built).toHaveLength(1);
  builder.fail = undefined;
  plane.clock.advance(afterMs);
  await until(phase('Ready'));
});

it('keeps as many digests as keep says, and tells the builder of the rest', async () => {
  for (const run of ['1', '2', '3']) {
    await apply('a', { from, steps: [{ run }] });
    await until(
      async () => (await get('a')).status?.observedGeneration === Number(run) && (await phase('Ready')()),
    );
  }
  await until(async () => (await get('a')).status?.history?.length === 2);
  const { status } = await get('a');
  await until(() => builder.collected.length === 2);
  expect(builder.collected.map(({ digest }) => digest)).toEqual(status?.history?.map(({ digest }) => digest));
});

it('keeps a digest that was chosen until the manifest changes', async () => {
  const builtWith = async (run: string) => {
    await apply('a', { from, steps: [{ run }] });
    await until(async () => {
      const { status, metadata } = await get('a');
      return status?.phase === 'Ready' && status.observedGeneration === metadata.generation;
    });
    return (await get('a')).status?.digest ?? '';
  };
  const first = await builtWith('1');
  const second = await builtWith('2');
  const path = '/tarballs/first.tar';
  const person = { role: 'admin', name: 'test' } as const;
  await plane.service.rollBack(person, 'a', { digest: first, path });
  await apply('a', { from, steps: [{ run: '2' }], prefetch: true });
  await settle();
  const { status } = await get('a');
  expect(status).toMatchObject({ digest: first, tarball: { path }, phase: 'Ready' });
  expect([second, builder.built.length]).toEqual([status?.history?.[0]?.digest, 2]);
  const unknown = plane.service.rollBack(person, 'a', { digest: 'sha256:0', path });
  await expect(unknown).rejects.toThrow('has no digest sha256:0 any more');
  expect(await builtWith('3')).not.toBe(first);
  expect((await get('a')).status?.chosen).toBeUndefined();
});

it('is deleted only when no other is built from it', async () => {
  await apply('a', { from });
  await apply('b', { from: { environment: 'a' } });
  await until(async () => (await get('b')).status?.phase === 'Ready');
  await plane.admin.delete('Environment', '', 'a');
  const ready = async () => getCondition((await get('a')).status?.conditions, 'Ready');
  await until(async () => (await ready())?.reason === 'InUse');
  expect((await ready())?.message).toContain('environment b');
  expect((await get('a')).metadata.finalizers).toEqual([finalizers.environment]);
  expect(builder.forgotten).toEqual([]);
  await plane.admin.delete('Environment', '', 'b');
  await until(() =>
    get('a').then(
      () => false,
      (error) => hasCode(error, 'NotFound'),
    ),
  );
  expect(builder.forgotten).toEqual(['b', 'a']);
});

it('refuses what would be built from itself, with the way around', async () => {
  await apply('a', { from });
  await apply('b', { from: { environment: 'a' } });
  await apply('c', { from: { environment: 'b' } });
  const around = apply('a', { from: { environment: 'c' } });
  await expect(around).rejects.toThrow('it would be built from itself: a → c → b → a');
  await expect(apply('d', { from: { environment: 'd' } })).rejects.toThrow('d → d');
});

it('deletes children and parents at once', async () => {
  await apply('a', { from });
  await apply('b', { from: { environment: 'a' } });
  await until(async () => (await get('b')).status?.phase === 'Ready');
  await Promise.all(['a', 'b'].map((name) => plane.admin.delete('Environment', '', name)));
  await until(async () => (await plane.admin.list('Environment')).items.length === 0);
});

it('builds two at a time; a deletion does not wait for these, and what waits is built in the end', async () => {
  await apply('gone', { from });
  await until(async () => (await get('gone')).status?.phase === 'Ready');
  let open = () => {};
  builder.gate = new Promise((resolve) => {
    open = resolve;
  });
  for (const name of ['a', 'b', 'c']) await apply(name, { from: { image: name } });
  await until(async () => (await get('c')).status?.progress === 'waits until another build has ended');
  await plane.admin.delete('Environment', '', 'gone');
  await until(async () => (await plane.admin.list('Environment')).items.length === 3);
  expect(builder.built.map(({ name }) => name)).toEqual(['gone', 'a', 'b']);
  open();
  await until(async () => (await get('c')).status?.phase === 'Ready');
});

it('knows what is wanted, and what stays', () => {
  const spec = { from, steps: [{ run: 'a' }] };
  expect(environmentHash({ ...spec, keep: 5 })).toBe(environmentHash(spec));
  expect(environmentHash({ ...spec, rebuild: '2' })).not.toBe(environmentHash(spec));
  expect(environmentHash(spec, 'sha256:1')).not.toBe(environmentHash(spec, 'sha256:2'));
  const copy = { from: 'a', to: '/a' };
  expect(environmentHash({ from, steps: [{ copy: { to: '/a', from: 'a' } }] })).toBe(
    environmentHash({ steps: [{ copy }], from }),
  );
  const history = ['3', '2', '1'].map((digest) => ({ digest, size: 1, builtAt: '' }));
  expect(kept(history, 1, (digest) => digest === '1').map(({ digest }) => digest)).toEqual(['3', '1']);
});

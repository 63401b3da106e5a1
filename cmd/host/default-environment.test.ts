import { afterEach, beforeEach, expect, it } from 'vitest';
import { silentLogger } from '../../pkg/base/index.ts';
import { ControlPlane } from '../../test/support/control-plane.ts';
import { DefaultEnvironment } from './default-environment.ts';

let plane: ControlPlane;
let environment: DefaultEnvironment;

beforeEach(() => {
  plane = new ControlPlane();
  environment = new DefaultEnvironment(silentLogger);
});
afterEach(() => plane.close());

const wanted = (image: string, name = 'py') => ({
  defaults: { runtime: 'docker', privileged: false, mounts: [], environment: name } as const,
  defaultEnvironment: { name, spec: { from: { image } } },
});
const imageOf = async (name: string) => (await plane.admin.get('Environment', '', name)).spec.from.image;

it('is made once, and is an object like any other from then on', async () => {
  expect(environment.defaultsOf(wanted('a')).environment).toBeUndefined();
  await environment.ensure(plane.admin, wanted('a'));
  expect(environment.defaultsOf(wanted('a')).environment).toBe('py');
  await environment.ensure(plane.admin, wanted('b'));
  expect(await imageOf('py')).toBe('a');
  const manifest = { apiVersion: 'river.dev/v1', kind: 'Environment', metadata: { name: 'py' } } as const;
  await plane.admin.apply({ ...manifest, spec: { from: { image: 'c' } } }, { fieldManager: 'river' });
  expect(await imageOf('py')).toBe('c');
});

it('that cannot be made is given to no task', async () => {
  await environment.ensure(plane.admin, wanted('with space'));
  expect(environment.defaultsOf(wanted('with space')).environment).toBeUndefined();
  await environment.ensure(plane.admin, wanted('a', 'other'));
  expect(environment.defaultsOf(wanted('a', 'py')).environment).toBeUndefined();
});

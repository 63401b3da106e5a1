import { expect, test } from 'vitest';
import { type ClusterDefaults, defaultObject } from './defaults.ts';
import type { Task, TaskSpec } from './types.gen.ts';

const defaults: ClusterDefaults = { runtime: 'process', privileged: true, mounts: ['/data:/data:ro'] };
const others: ClusterDefaults = { runtime: 'docker', privileged: false, mounts: ['/x:/x'] };
const task = (spec: TaskSpec): Task => ({
  apiVersion: 'river.dev/v1',
  kind: 'Task',
  metadata: { name: 't' },
  spec,
});

test('a Task with an image runs in docker, with the defaults of docker', () => {
  const filled = defaultObject(task({ image: 'i' }), defaults);
  expect(filled.metadata.namespace).toBe('default');
  expect(filled.spec).toEqual({
    image: 'i',
    runtime: 'docker',
    privileged: true,
    mounts: ['/data:/data:ro'],
    suspend: false,
    stopped: false,
    resources: { cores: 1 },
  });
});

test("a Task without one has the configured runtime, and no fields of docker's", () => {
  expect(defaultObject(task({ command: ['a'], resources: { memory: '1G' } }), defaults).spec).toEqual({
    command: ['a'],
    runtime: 'process',
    suspend: false,
    stopped: false,
    resources: { cores: 1, memory: '1G' },
  });
});

test('what is written stays', () => {
  const spec: TaskSpec = {
    image: 'i',
    mounts: [],
    privileged: false,
    resources: { cores: 0 },
    stopped: true,
    runtime: 'docker',
  };
  expect(defaultObject(task(spec), defaults).spec).toEqual({ ...spec, suspend: false });
});

test('a later change of the defaults changes nothing that exists', () => {
  for (const spec of [{ image: 'i' }, { command: ['a'] }]) {
    const once = defaultObject(task(spec), defaults);
    expect(defaultObject(once, others)).toEqual(once);
  }
});

test('the argument is not changed, and nonsense is left to validation', () => {
  const written = Object.freeze(task(Object.freeze({ image: 'i' })));
  defaultObject(written, defaults);
  expect(written.spec).toEqual({ image: 'i' });
  const broken = { apiVersion: 'river.dev/v1', kind: 'Task', metadata: { name: 't' }, spec: 'x' };
  expect(defaultObject(broken, defaults).spec).toBe('x');
  expect(
    defaultObject({ apiVersion: 'river.dev/v1', kind: 'Node', metadata: { name: 'n' } }, defaults).metadata,
  ).toEqual({ name: 'n' });
});

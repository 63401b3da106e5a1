import { expect, test } from 'vitest';
import type { Task } from '../types.gen.ts';
import { validateObject } from '../validation/validate.ts';
import { buildRun, runCount } from './run-spec.ts';

const task: Task = {
  apiVersion: 'river.dev/v1',
  kind: 'Task',
  metadata: {
    name: 'train',
    namespace: 'lab',
    uid: 'u-1',
    labels: { project: 'llm' },
    annotations: { a: 'b' },
  },
  spec: {
    command: ['echo'],
    runtime: 'process',
    targets: ['n1', 'n2'],
    env: { A: '1' },
    timeout: '1h',
    ttlAfterFinished: '7d',
    suspend: true,
    rerun: '1',
  },
};

test('a Run is the Task resolved for one ordinal', () => {
  const run = buildRun(task, { revision: 2, ordinal: 1, attempt: 0 });
  expect(run.metadata).toEqual({
    name: expect.stringMatching(/^train-[0-9a-f]{8}-1-0$/),
    namespace: 'lab',
    labels: { project: 'llm', 'river.dev/task': 'train' },
    ownerReferences: [
      {
        apiVersion: 'river.dev/v1',
        kind: 'Task',
        name: 'train',
        uid: 'u-1',
        controller: true,
        blockOwnerDeletion: true,
      },
    ],
  });
  expect(run.spec).toEqual({
    task: 'train',
    revision: 2,
    ordinal: 1,
    attempt: 0,
    desired: 'Running',
    target: 'n2',
    runtime: 'process',
    command: ['echo'],
    env: { A: '1' },
    resources: { cores: 1 },
    timeout: '1h',
    ttlAfterFinished: '7d',
  });
  expect(run.status).toEqual({ phase: 'Pending' });
  expect(validateObject('Run', run)).toEqual([]);
});

test('without targets there is one Run, anywhere', () => {
  const free: Task = { ...task, spec: { ...task.spec, targets: undefined } };
  expect(runCount(free)).toBe(1);
  expect(buildRun(free, { revision: 1, ordinal: 0, attempt: 0 }).spec).not.toHaveProperty('target');
});

test('targets times the points of its spans, target-major, each with its own program', () => {
  const spec = { ...task.spec, args: ['--lr', 'span:[a,b,c]'], env: { SEED: 'span:{7..8}', A: '1' } };
  const swept: Task = { ...task, spec };
  expect(runCount(swept)).toBe(12);
  const run = buildRun(swept, { revision: 1, ordinal: 9, attempt: 0 });
  expect(run.spec).toMatchObject({
    target: 'n2',
    args: ['--lr', 'b'],
    env: { SEED: '8', A: '1' },
    point: { 'args[1]': 'b', 'env.SEED': '8' },
  });
  expect(validateObject('Run', run)).toEqual([]);
  expect(() => buildRun(swept, { revision: 1, ordinal: 12, attempt: 0 })).toThrow('has 12 runs');
});

test('an ordinal that the Task does not have is refused', () => {
  expect(() => buildRun(task, { revision: 1, ordinal: 2, attempt: 0 })).toThrow(
    'has 2 runs and none with ordinal 2',
  );
});

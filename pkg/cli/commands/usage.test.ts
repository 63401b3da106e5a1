import { expect, test } from 'vitest';
import type { Usage } from '../../api/index.ts';
import { addUp } from './usage.ts';

const entry = (task: string, node: string, more: Partial<Usage> = {}): Usage => ({
  apiVersion: 'river.dev/v1',
  kind: 'Usage',
  metadata: { namespace: 'default' },
  ...{ task, node, day: '2026-11-22' },
  ...{ runs: 1, wallSeconds: 0.1, coreSeconds: 0.2, cpuSeconds: 0.05, memoryPeak: 7 },
  ...more,
});

test('adds up by what was asked for, in its order; the highest peak counts', () => {
  const entries = [entry('b', 'n1'), entry('a', 'n1', { memoryPeak: 9 }), entry('a', 'n2', { runs: 2 })];
  expect(addUp(entries, ['task']).map(({ task, runs, memoryPeak }) => [task, runs, memoryPeak])).toEqual([
    ['a', 3, 9],
    ['b', 1, 7],
  ]);
  expect(addUp(entries, ['node', 'task']).map(({ node, task }) => `${node}/${task}`)).toEqual([
    'n1/a',
    'n1/b',
    'n2/a',
  ]);
  expect(addUp(entries, ['namespace'])).toEqual([
    {
      ...{ namespace: 'default', runs: 4, unsuccessful: 0, unmeasured: 0 },
      ...{ wallSeconds: 0.3, coreSeconds: 0.6, cpuSeconds: 0.15, memoryPeak: 9 },
    },
  ]);
});

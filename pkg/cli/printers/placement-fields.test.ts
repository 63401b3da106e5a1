import { expect, test } from 'vitest';
import type { Placement, Run } from '../../api/index.ts';
import { placementFields } from './placement-fields.ts';

const lines = (placement?: Placement) =>
  placementFields({ spec: { placement } } as Run).filter(([, value]) => value !== undefined);

test('a Run that is not bound has none, and one that shares all has its node', () => {
  expect(lines()).toEqual([]);
  expect(lines({ node: 'n1' })).toEqual([['Node', 'n1']]);
});

test('what a Run has for itself, and that a shared GPU is not enforced', () => {
  const gpus = [
    { index: 0, uuid: 'GPU-a' },
    { index: 3, uuid: 'GPU-b', memoryBytes: 8 * 2 ** 30 },
  ];
  const environment = { name: 'py', digest: 'sha256:12' };
  expect(lines({ node: 'n1', cpus: '0-3', pinned: true, numaNodes: [0, 1], gpus, environment })).toEqual([
    ['Node', 'n1'],
    ['CPUs', '0-3, for this run alone'],
    ['NUMA nodes', '0,1'],
    ['GPUs', '0 (GPU-a); 3 (GPU-b), shared: 8Gi of its memory are accounted for, not enforced'],
    ['Environment', 'py sha256:12'],
  ]);
  expect(lines({ node: 'n1', cpus: '0-3', numaNodes: [0] })).toContainEqual(['CPUs', '0-3']);
});

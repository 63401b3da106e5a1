import { expect, test } from 'vitest';
import type { Node, Run } from '../../api/index.ts';
import { nodeMap } from './node-map.ts';

const head = { apiVersion: 'river.dev/v1' } as const;
const gpu = { model: 'A100', memory: 40 * 2 ** 30, health: 'Healthy' } as const;
const node: Node = {
  ...{ ...head, kind: 'Node', metadata: { name: 'n1' } },
  status: {
    numa: [{ id: 0, cpus: '0-3', memory: 2 ** 34 }],
    gpus: [
      { ...gpu, index: 0, uuid: 'a', numa: 0 },
      { ...gpu, index: 1, uuid: 'b', health: 'Unhealthy', healthMessage: 'It is lost.' },
    ],
  },
};
const run = (name: string, phase: 'Running' | 'Failed'): Run => ({
  ...{ ...head, kind: 'Run', metadata: { name, namespace: 'lab' } },
  spec: {
    ...{ task: 't', revision: 1, ordinal: 0, attempt: 0, desired: 'Running', runtime: 'docker' },
    placement: { node: 'n1', numaNodes: [0], gpus: [{ index: 0, uuid: 'a' }] },
  },
  status: { phase },
});

test('who holds what; a run that has ended holds nothing', () => {
  const lines = nodeMap(node, [run('r', 'Running'), run('over', 'Failed')]).split('\n');
  expect(lines.map((line) => line.trim().split(/ {3,}/))).toEqual([
    ['NUMA nodes:'],
    ['NODE', 'CPUS', 'MEMORY', 'GPUS', 'HELD BY'],
    ['0', '0-3', '16Gi', '0', 'lab/r'],
    ['GPUs:'],
    ['GPU', 'MODEL', 'MEMORY', 'NUMA', 'HEALTH', 'HELD BY'],
    ['0', 'A100', '40Gi', '0', 'Healthy', 'lab/r'],
    ['1', 'A100', '40Gi', '-', 'It is lost.', '-'],
    [''],
  ]);
});

test('a Node that has not said what it has', () => {
  expect(nodeMap({ ...node, status: {} }, [])).toBe('');
});

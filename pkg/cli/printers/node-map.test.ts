import { expect, test } from 'vitest';
import { gpu, nodeOfShape, readyNode, runOn } from '../../../test/support/machines.ts';
import type { Node, Run } from '../../api/index.ts';
import { range, type Shape, shapes } from '../../topology/fixtures/machine.ts';
import { formatCpuList, parseCpuList } from '../../topology/index.ts';
import { nodeMap } from './node-map.ts';

/** With the spaces between columns made one kind. */
const mapOf = (node: Node, runs: readonly Run[] = []) =>
  nodeMap(node, runs)
    .split('\n')
    .filter(Boolean)
    .map((line) => line.replace(/(?<=\S) {3,}/g, '   '));

const pinned = (key: string, cpus: string, more: object = {}) =>
  runOn(
    key,
    { node: 'n1', cpus, pinned: true, ...more },
    { spec: { resources: { cores: 2, memory: '4Gi' } } },
  );

test('who has which CPUs, memory and GPUs of two sockets', async () => {
  const gpus = [
    gpu(0, 'a', { numa: 0 }),
    gpu(1, 'b', { numa: 1, health: 'Unhealthy', healthMessage: 'It is lost.' }),
    gpu(2, 'c', { numa: 1 }),
    gpu(3, 'd'),
  ];
  const node = await nodeOfShape('n1', shapes.twoSockets, { gpus, reservedCores: 2 });
  const usage = { gpus: [{ uuid: 'a', memoryUsed: 3 * 2 ** 30, utilization: 37.4 }] };
  const share = { index: 2, uuid: 'c', memoryBytes: 8 * 2 ** 30 };
  const runs = [
    pinned('default/train-0', '2-3,34-35', { gpus: [{ index: 0, uuid: 'a' }] }),
    pinned('default/near-0', '16,48', { numaNodes: [1] }),
    runOn('lab/chat-0', { node: 'n1', gpus: [share] }, { spec: { resources: { cores: 1.5 } } }),
    runOn('lab/chat-1', { node: 'n1', gpus: [share] }),
    runOn('lab/close-0', { node: 'n1', cpus: '17-31,49-63', numaNodes: [1] }),
    runOn('lab/over-0', { node: 'n1', cpus: '40-41', pinned: true }, { status: { phase: 'Failed' } }),
  ];
  expect(mapOf({ ...node, status: { ...node.status, usage } }, runs)).toEqual([
    'Map:',
    '  NUMA 0   cpus 0-15,32-47 (16 cores)   memory 125Gi (125Gi free)',
    '    0-1   reserved',
    '    2-3,34-35   pinned   default/train-0',
    '    4-15,32-33,36-47   shared',
    '    gpu 0   A100 3Gi/40Gi 37%   default/train-0',
    '  NUMA 1   cpus 16-31,48-63 (16 cores)   memory 126Gi (122Gi free)',
    '    16,48   pinned   default/near-0',
    '    17-31,49-63   shared   lab/close-0',
    '    gpu 1   A100 40Gi   Unhealthy: It is lost. <none>',
    '    gpu 2   A100 40Gi   lab/chat-0 (8Gi of it) and 1 more',
    '  No NUMA node   no cpus',
    '    gpu 3   A100 40Gi   free',
    '  2 runs on shared CPUs of any NUMA node: 1.5 cores',
  ]);
});

test('a node without CPUs, and one without memory', async () => {
  expect(mapOf(await nodeOfShape('n1', shapes.uneven))).toEqual([
    'Map:',
    '  NUMA 0   cpus 0-3   memory 62.5Gi (62.5Gi free)',
    '    0-3   shared',
    '  NUMA 1   cpus 4-7   memory 0 (0 free)',
    '    4-7   shared',
    '  NUMA 3   no cpus   memory 250Gi (250Gi free)',
  ]);
});

test('isolated CPUs, and those outside of the cpuset of the runner', async () => {
  const shape = { ...shapes.desktop, isolated: [3, 7], allowed: [1, 2, 5, 6] };
  const node = await nodeOfShape('n1', shape);
  expect(mapOf(node, [pinned('default/p-0', '2-3')]).slice(2)).toEqual([
    '    0,4   reserved',
    '    1,5-6   shared',
    '    2   pinned   default/p-0',
    '    3   pinned, isolated   default/p-0',
    '    7   reserved, isolated',
  ]);
});

test('a Node that has not said what it has', () => {
  expect(nodeMap(readyNode('n1'), [])).toBe('');
});

test('CPUs that no NUMA node has', () => {
  const cpus = { online: '0-3', allocatable: '0-3', isolated: '', cores: ['0', '1', '2', '3'] };
  expect(mapOf(readyNode('n1', { cpus, numa: [{ id: 0, cpus: '0-1', memory: 2 ** 30 }] }))).toEqual([
    'Map:',
    '  NUMA 0   cpus 0-1   memory 1Gi (1Gi free)',
    '    0-1   shared',
    '  No NUMA node   cpus 2-3',
    '    2-3   shared',
  ]);
});

test('many runs with CPUs of their own stand together by task, their list is broken at commas', async () => {
  const shape = { numa: [{ cpus: range(0, 256), mebibytes: 512 * 1024 }] };
  const runs = range(0, 64).map((index) =>
    pinned(`default/sweep-${index}`, index === 0 ? '200' : `${index * 3}`),
  );
  const lines = mapOf(await nodeOfShape('n1', shape), [...runs, pinned('lab/one-0', '255')]);
  expect(lines.filter((line) => line.includes('pinned'))).toEqual([
    expect.stringMatching(/^ {4}3,6,9,[\d,]+, +pinned +64 runs of default\/sweep$/),
    '    255   pinned   lab/one-0',
  ]);
  expect(lines.length).toBeLessThan(40);
});

const everyShape: [string, Shape][] = [
  ...Object.entries(shapes),
  ['two CPUs', { numa: [{ cpus: [0, 1], mebibytes: 2048 }] }],
  ['offline CPUs', { ...shapes.desktop, offline: [4, 5] }],
  ['256 CPUs', { numa: range(0, 2).map((id) => ({ cpus: range(id * 128, 128), mebibytes: 1024 })) }],
];

test.each(everyShape)('%s: each CPU once, no line too wide', async (_name, shape) => {
  const gpus = [gpu(0, 'a', { model: 'NVIDIA A100-PCIE-40GB' })];
  const shown = { gpus: [{ uuid: 'a', memoryUsed: 39.5 * 2 ** 30, utilization: 100 }] };
  const node = await nodeOfShape('n1', shape, { gpus, reservedCores: 1 });
  const allocatable = parseCpuList(node.status?.cpus?.allocatable ?? '') ?? [];
  // Every third one by itself: the worst that there can be.
  const runs = allocatable
    .filter((cpu) => cpu % 3 === 0)
    .map((cpu) =>
      pinned(`team/some-experiment-0f1e2d3c-${cpu}-0`, String(cpu), { gpus: [{ index: 0, uuid: 'a' }] }),
    );
  const lines = nodeMap({ ...node, status: { ...node.status, usage: shown } }, runs).split('\n');
  for (const line of lines) expect(line.length, line).toBeLessThanOrEqual(120);
  const lists = lines.flatMap((line) => /^ {4}(\d[\d,-]*)/.exec(line)?.[1]?.replace(/,$/, '') ?? []);
  const cpus = lists.flatMap((list) => parseCpuList(list) ?? []);
  expect(formatCpuList(cpus)).toBe(node.status?.cpus?.online);
  expect(new Set(cpus).size).toBe(cpus.length);
});

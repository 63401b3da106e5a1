import { describe, expect, test } from 'vitest';
import { gibibyte, gpu, readyNode, runOn } from '../../../test/support/machines.ts';
import type { Node } from '../../api/index.ts';
import { gpuName, gpusOf } from '../machines/gpus.ts';
import { heldByNode } from '../machines/held.ts';
import { gpuTable } from './gpu-table.ts';
import { heldColumns } from './node-columns.ts';
import { topGpus, topNodes, topRuns } from './top.ts';

const mig = { profile: '1g.10gb', parentIndex: 1, parentUuid: 'p' };
const what = {
  allocatable: { cores: 16, memory: 64 * gibibyte },
  gpus: [
    gpu(0, 'a', { numa: 0, pciAddress: '0000:3b:00.0', driver: '550' }),
    gpu(1, 'b', { mig, health: 'Unhealthy', healthMessage: 'It is lost.' }),
    gpu(2, 'c'),
  ],
};
const live = {
  ...{ cores: 1.516, memoryUsed: 8 * gibibyte },
  gpus: [
    {
      ...{ uuid: 'a', utilization: 37.4, memoryUsed: 3 * gibibyte, temperature: 45, powerDraw: 128.5 },
      ...{ powerLimit: 400, clockSm: 1410, clockMemory: 1215, fanSpeed: 41 },
    },
    { uuid: 'c', utilization: 90, memoryUsed: 10 * gibibyte },
  ],
};
const n1: Node = readyNode('n1', { ...what, usage: live });
const silent: Node = readyNode('n2', what);
const plain: Node = readyNode('n3', { allocatable: { cores: 2, memory: gibibyte }, usage: { cores: 2.5 } });

const share = { index: 2, uuid: 'c', memoryBytes: 8 * gibibyte };
const alone = [{ index: 0, uuid: 'a' }];
const runs = [
  runOn(
    'lab/train-0',
    { node: 'n1', gpus: alone },
    {
      spec: { resources: { cores: 2.5, memory: '4Gi' } },
      status: { usage: { cores: 0.5, memoryUsed: gibibyte } },
    },
  ),
  runOn('lab/chat-0', { node: 'n1', gpus: [share] }, { spec: { resources: { cores: 0 } } }),
  runOn('default/chat-1', { node: 'n1', gpus: [share] }, { status: { usage: { memoryUsed: 5 } } }),
  runOn('lab/away-0', { node: 'n2', gpus: alone }, { status: { phase: 'Lost' } }),
  runOn('lab/over-0', { node: 'n1', gpus: alone }, { status: { phase: 'Succeeded' } }),
];

const cells = (text: string) =>
  text
    .split('\n')
    .filter(Boolean)
    .map((line) => line.split(/ {3,}/));

describe('get gpus', () => {
  const gpus = gpusOf([n1, silent, plain], runs);

  test('who holds each, shared ones with what is charged; what nobody has told is unknown', () => {
    expect(cells(gpuTable(gpus, false))).toEqual([
      ['NODE', 'GPU', 'MODEL', 'MEMORY', 'NUMA', 'UTIL', 'TEMP', 'POWER', 'HELD BY', 'HEALTH'],
      ['n1', '0', 'NVIDIA A100', '3Gi/40Gi', '0', '37%', '45°C', '129/400W', 'lab/train-0', 'Healthy'],
      [
        ...['n1', '1', 'NVIDIA A100', '<unknown>/40Gi', '<none>', '<unknown>', '<unknown>', '<unknown>'],
        ...['<none>', 'Unhealthy: It is lost.'],
      ],
      [
        ...['n1', '2', 'NVIDIA A100', '10Gi/40Gi', '<none>', '90%', '<unknown>', '<unknown>'],
        ...['lab/chat-0 (8Gi of it), default/chat-1 (8Gi of it)', 'Healthy'],
      ],
      expect.arrayContaining(['n2', '0', '<unknown>/40Gi', 'lab/away-0']),
      expect.arrayContaining(['n2', '1']),
      expect.arrayContaining(['n2', '2', 'free']),
    ]);
  });

  test('wide: what it is bound by, and its clocks', () => {
    const [header = [], first = [], second = []] = cells(gpuTable(gpus, true));
    expect(header.slice(10)).toEqual(['UUID', 'PCI', 'DRIVER', 'MIG', 'SM', 'MEM-CLOCK', 'FAN']);
    expect(first.slice(10)).toEqual(['a', '0000:3b:00.0', '550', '<none>', '1410MHz', '1215MHz', '41%']);
    expect(second.slice(10, 14)).toEqual(['b', '<none>', '<none>', '1g.10gb of p']);
  });

  test('the name is a target', () => {
    expect(gpus.map(gpuName).slice(2, 4)).toEqual(['n1::2', 'n2::0']);
  });
});

describe('top', () => {
  test('nodes', () => {
    const table = topNodes([n1, silent, plain], heldByNode(runs));
    expect(cells(table.format())).toEqual([
      ['NAME', 'CORES', 'CORES%', 'MEMORY', 'MEMORY%', 'GPU%', 'GPU-MEMORY', 'RUNS'],
      ['n1', '1.52/16', '9%', '8Gi/64Gi', '13%', '64%', '13Gi/120Gi', '3'],
      [
        ...['n2', '<unknown>/16', '<unknown>', '<unknown>/64Gi', '<unknown>', '<unknown>'],
        ...['<unknown>/120Gi', '1'],
      ],
      ['n3', '2.5/2', '125%', '<unknown>/1Gi', '<unknown>', '-', '-', '0'],
    ]);
    const names = (order: string) => cells(table.format(order)).map(([name]) => name);
    expect(names('cores')).toEqual(['NAME', 'n3', 'n1', 'n2']);
    expect(() => names('height')).toThrow(/nodes are sorted by name, cores, memory, gpu, gpu-memory/);
  });

  test('gpus', () => {
    const table = topGpus(gpusOf([n1], runs));
    expect(cells(table.format('utilization')).map(([, index, , busy]) => [index, busy])).toEqual([
      ['GPU', 'UTIL'],
      ['2', '90%'],
      ['0', '37%'],
      ['1', '<unknown>'],
    ]);
    expect(cells(table.format())[1]).toEqual([
      ...['n1', '0', 'NVIDIA A100', '37%', '3Gi/40Gi', '8%', '45°C', '129/400W', 'lab/train-0'],
    ]);
  });

  test('runs: what is used of what they may; memory of a GPU only of one that they have for themselves', () => {
    const running = runs.filter(({ status }) => status?.phase !== 'Succeeded');
    const table = topRuns(running, [n1, silent], { withNamespace: true });
    expect(cells(table.format())).toEqual([
      ['NAMESPACE', 'NAME', 'NODE', 'CORES', 'MEMORY', 'GPU-MEMORY'],
      ['lab', 'train-0', 'n1', '0.5/2.5', '1Gi/4Gi', '3Gi'],
      ['lab', 'chat-0', 'n1', '<unknown>/-', '<unknown>/-', '<unknown>'],
      ['default', 'chat-1', 'n1', '<unknown>/-', '5/-', '<unknown>'],
      ['lab', 'away-0', 'n2', '<unknown>/-', '<unknown>/-', '<unknown>'],
    ]);
    expect(cells(table.format('memory'))[2]?.[1]).toBe('chat-1');
  });
});

test('get nodes -o wide: what is charged, of what there is', () => {
  const shown = (node: Node) => heldColumns(heldByNode(runs)).map(({ name, cell }) => [name, cell(node, 0)]);
  expect(shown(n1)).toEqual([
    ['CORES-HELD', '2.5/16'],
    ['MEMORY-HELD', '4Gi/64Gi'],
    ['GPUS-FREE', '0/3'],
  ]);
  expect(shown(silent)[2]).toEqual(['GPUS-FREE', '1/3']);
});

import { describe, expect, test } from 'vitest';
import { gibibyte, gpu, numaNodes, readyNode, runOn, runSpec } from '../../../test/support/machines.ts';
import {
  apiVersion,
  type Node,
  type NodeSpec,
  type Resources,
  type Run,
  type Task,
} from '../../api/index.ts';
import { whyPending } from './why.ts';

function node(name: string, spec: NodeSpec = {}, labels: Record<string, string> = {}): Node {
  const status = {
    allocatable: { cores: 8, memory: 16 * gibibyte },
    cpus: { online: '0-7', allocatable: '0-7', isolated: '', cores: ['0-1', '2-3', '4-5', '6-7'] },
    numa: numaNodes(['0-3', '4-7'], 8 * gibibyte),
    gpus: [0, 1].map((index) => gpu(index, `${name}-${index}`, { numa: index })),
  };
  return readyNode(name, status, { spec, metadata: { labels } });
}

function run(resources: Resources, more: Partial<Task['spec']> & { target?: string } = {}): Run {
  const { target, tolerations, nodeSelector } = more;
  return {
    apiVersion,
    kind: 'Run',
    metadata: { name: 'r', namespace: 'default' },
    spec: runSpec('t', { resources, target, tolerations, nodeSelector }),
    status: { phase: 'Pending' },
  };
}

function running(
  name: string,
  resources: Resources,
  placement: NonNullable<Run['spec']['placement']>,
  timeout?: string,
): Run {
  const status = { startedAt: '2026-01-01T00:00:00.000Z' };
  return runOn(`lab/${name}`, placement, { spec: { resources, timeout }, status });
}

const edits = (...args: Parameters<typeof whyPending>) =>
  whyPending(...args).change?.edits.map(({ field, to }) => `${field} ${to}`);

describe('why a Run waits', () => {
  test('names who holds what is missing, the largest first, and until when', () => {
    const holders = [
      running('small', { cores: 1 }, { node: 'a' }),
      running('large', { cores: 5 }, { node: 'a' }, '1h'),
      running('elsewhere', { cores: 8 }, { node: 'b' }),
      running('idle', { cores: 0, memory: '1Gi' }, { node: 'a' }),
    ];
    const [answer] = whyPending(run({ cores: 4 }), [node('a')], holders).nodes;
    expect(answer?.reasons).toEqual(['2 of 8 cores free, needs 4']);
    expect(answer?.holders.map((holder) => holder.run.metadata.name)).toEqual(['large', 'small']);
    const sinceMs = Date.parse('2026-01-01T00:00:00.000Z');
    expect(answer?.holders[0]).toMatchObject({ sinceMs, untilMs: sinceMs + 3_600_000 });
    expect(answer?.holders[1]).not.toHaveProperty('untilMs');
  });

  test('names nobody who has what the node would not have either if it were empty', () => {
    const holders = [running('large', { cores: 5, memory: '8Gi' }, { node: 'a' })];
    const holding = (wanted: Run) => whyPending(wanted, [node('a')], holders).nodes[0]?.holders.length;
    expect(holding(run({ cores: 9 }))).toBe(0);
    expect(holding(run({ cores: 1 }, { target: 'a::7' }))).toBe(0);
    expect(holding(run({ cores: 9, memory: '10Gi' }))).toBe(1);
  });

  test('is looked for among many nodes, each with something else that is free', () => {
    const nodes = Array.from({ length: 300 }, (_, index) => node(`n${index}`));
    const runs = nodes.map(({ metadata: { name = '' } }, index) =>
      running(
        name,
        { cores: 1 + (index % 70) / 10, memory: `${1024 + (index % 110) * 100}Mi` },
        { node: name },
      ),
    );
    const wanted = run(
      { cores: 20, memory: '40Gi', gpus: { count: 5, model: 'H100' } },
      { nodeSelector: { zone: 'x' } },
    );
    expect(whyPending(wanted, nodes, runs).change).toBeUndefined();
  });

  test('there is nothing to change where it fits', () => {
    expect(whyPending(run({ cores: 1 }), [node('a')], [])).toEqual({
      nodes: [{ node: 'a', reasons: [], holders: [] }],
    });
  });

  test.each<[string, Run, Node[], Run[], string[] | undefined]>([
    ['fewer cores', run({ cores: 9 }), [node('a')], [], ['spec.resources.cores 8']],
    ['less memory', run({ cores: 1, memory: '20Gi' }), [node('a')], [], ['spec.resources.memory 16Gi']],
    [
      'two fields, where one is not enough',
      run({ cores: 9, memory: '20Gi' }),
      [node('a')],
      [],
      ['spec.resources.cores 8', 'spec.resources.memory 16Gi'],
    ],
    [
      'all tolerations that a node asks for',
      run({ cores: 1 }),
      [
        node('a', {
          taints: [
            { key: 'x', effect: 'NoSchedule' },
            { key: 'y', value: '1', effect: 'NoSchedule' },
          ],
        }),
      ],
      [],
      ['spec.tolerations for x:NoSchedule and y=1:NoSchedule'],
    ],
    [
      'another node, before less of anything',
      run({ cores: 6 }, { target: 'a' }),
      [node('a'), node('b')],
      [running('x', { cores: 4 }, { node: 'a' })],
      ['spec.targets left out'],
    ],
    [
      'GPUs of a target stay asked for',
      run({ cores: 1 }, { target: 'a::0' }),
      [node('a')],
      [running('x', { cores: 1 }, { node: 'a', gpus: [{ index: 0, uuid: 'a-0' }] })],
      ['spec.targets left out with resources.gpus 1'],
    ],
    ['fewer GPUs', run({ cores: 1, gpus: 3 }), [node('a')], [], ['spec.resources.gpus 2']],
    [
      'any model',
      run({ cores: 1, gpus: { model: 'H100' } }),
      [node('a')],
      [],
      ['spec.resources.gpus.model left out'],
    ],
    [
      'fewer GPUs of any model',
      run({ cores: 1, gpus: { count: 3, model: 'H100' } }),
      [node('a')],
      [],
      ['spec.resources.gpus.model left out', 'spec.resources.gpus 2'],
    ],
    [
      'GPUs with less memory',
      run({ cores: 1, gpus: { count: 1, memory: '80Gi' } }),
      [node('a')],
      [],
      ['spec.resources.gpus.memory 40Gi'],
    ],
    [
      'as large a share of a GPU as there is',
      run({ cores: 1, gpus: { count: 1, memory: '30Gi', shared: true } }),
      [node('a')],
      ['a-0', 'a-1'].map((uuid, index) =>
        running(
          uuid,
          { cores: 1 },
          { node: 'a', gpus: [{ index, uuid, memoryBytes: (index + 15) * gibibyte }] },
        ),
      ),
      ['spec.resources.gpus.memory 25Gi'],
    ],
    [
      'as much as one NUMA node has',
      run({ cores: 9, numa: 'require' }),
      [node('a')],
      [],
      ['spec.resources.cores 4'],
    ],
    [
      'NUMA only where it can be',
      run({ cores: 6, numa: 'require' }),
      [node('a')],
      [],
      ['spec.resources.numa prefer'],
    ],
    [
      'a label',
      run({ cores: 1 }, { nodeSelector: { zone: 'x' } }),
      [node('a')],
      [],
      ['spec.nodeSelector.zone left out'],
    ],
    [
      'nothing, where the node is away',
      run({ cores: 1 }),
      [node('a', { unschedulable: true })],
      [],
      undefined,
    ],
  ])('%s', (_name, wanted, nodes, runs, expected) => {
    expect(edits(wanted, nodes, runs)).toEqual(expected);
  });
});

import { describe, expect, test } from 'vitest';
import {
  apiVersion,
  type Node,
  type NodeSpec,
  type Resources,
  type Run,
  type Task,
} from '../../api/index.ts';
import { whyPending } from './why.ts';

const gibibyte = 2 ** 30;

function node(name: string, spec: NodeSpec = {}, labels: Record<string, string> = {}): Node {
  const ready = {
    type: 'Ready',
    status: 'True',
    reason: 'RunnerReady',
    message: '',
    lastTransitionTime: '',
  } as const;
  const gpu = (index: number) => ({
    index,
    uuid: `${name}-${index}`,
    model: 'NVIDIA A100',
    memory: 40 * gibibyte,
    numa: index,
    health: 'Healthy' as const,
  });
  return {
    apiVersion,
    kind: 'Node',
    metadata: { name, labels },
    spec,
    status: {
      conditions: [ready],
      runtimes: ['process'],
      allocatable: { cores: 8, memory: 16 * gibibyte },
      cpus: { online: '0-7', allocatable: '0-7', isolated: '', cores: ['0-1', '2-3', '4-5', '6-7'] },
      numa: [0, 1].map((id) => ({
        id,
        cpus: id === 0 ? '0-3' : '4-7',
        memory: 8 * gibibyte,
        distances: [10, 20],
      })),
      gpus: [gpu(0), gpu(1)],
    },
  };
}

function run(resources: Resources, more: Partial<Task['spec']> & { target?: string } = {}): Run {
  const { target, tolerations, nodeSelector } = more;
  const identity = { task: 't', revision: 1, ordinal: 0, attempt: 0, desired: 'Running' } as const;
  return {
    apiVersion,
    kind: 'Run',
    metadata: { name: 'r', namespace: 'default' },
    spec: { ...identity, runtime: 'process', resources, target, tolerations, nodeSelector },
    status: { phase: 'Pending' },
  };
}

function running(
  name: string,
  resources: Resources,
  placement: Run['spec']['placement'],
  timeout?: string,
): Run {
  const startedAt = '2026-01-01T00:00:00.000Z';
  const base = run(resources);
  return {
    ...base,
    metadata: { name, namespace: 'lab' },
    spec: { ...base.spec, placement, timeout },
    status: { phase: 'Running', startedAt },
  };
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

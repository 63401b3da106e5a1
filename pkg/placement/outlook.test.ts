import { expect, test } from 'vitest';
import { gibibyte, gpu, numaNodes, readyNode } from '../../test/support/machines.ts';
import type { Node, NodeStatus, TaskSpec } from '../api/index.ts';
import { outlook } from './outlook.ts';

const gpus = (model: string, count: number) =>
  Array.from({ length: count }, (_, index) => gpu(index, `${model}-${index}`, { model }));

/** With so many cores, and a gibibyte for each, on one NUMA node. */
function aNode(name: string, cores: number, more: NodeStatus = {}, labels = {}): Node {
  const cpus = `0-${cores - 1}`;
  const memory = cores * gibibyte;
  const has = {
    allocatable: { cores, memory },
    cpus: { online: cpus, allocatable: cpus, isolated: '', cores: [] },
    numa: numaNodes([cpus], memory),
  };
  return readyNode(name, { ...has, ...more }, { metadata: { labels } });
}

const nodes = [
  aNode('small', 4, {}, { zone: 'a' }),
  aNode('big', 16, { gpus: gpus('A100', 2) }),
  aNode('gpus', 8, { gpus: gpus('H100', 4) }),
];

test('NUMA nodes and pins, in one sentence with the node', () => {
  const two = aNode('two', 8, { numa: numaNodes(['0-3', '4-7'], 4 * gibibyte) });
  expect(outlook({ resources: { cores: 6, numa: 'require' } }, [two])).toEqual([
    'spec.resources.numa: more than any node has; the most is on two, which has no single NUMA node with 6 cores together',
  ]);
  expect(outlook({ resources: { cores: 9, pin: true } }, [aNode('one', 8)]).join()).toMatch(
    /on one, which has 8 cores, needs 9/,
  );
});

test.each<[string, TaskSpec, (string | RegExp)[]]>([
  ['what fits somewhere', { resources: { cores: 16 } }, []],
  ['nothing', {}, []],
  [
    'too many cores',
    { resources: { cores: 17 } },
    [/^spec\.resources\.cores: .* on big, which has 16 cores, needs 17$/],
  ],
  [
    'too much memory',
    { resources: { memory: '1Ti' } },
    [/^spec\.resources\.memory: .* on big, which has 16Gi/],
  ],
  [
    'too many GPUs',
    { resources: { gpus: 8 } },
    [/^spec\.resources\.gpus: .* on gpus, which has 4 GPU, needs 8$/],
  ],
  [
    'too many of a model',
    { resources: { gpus: { count: 3, model: 'a100' } } },
    [/^spec\.resources\.gpus: .* on big, which has 2 GPU of model a100, needs 3$/],
  ],
  [
    'all of it, but not on one node',
    { resources: { cores: 16, gpus: 3 } },
    [
      /^spec\.resources: no node has all of it: small has 4 cores, needs 16; has no GPU; big has 2 GPU, needs 3; gpus has 8/,
    ],
  ],
  ['labels', { nodeSelector: { zone: 'b' } }, ['spec.nodeSelector: no node has these labels']],
  [
    'less with these labels',
    { nodeSelector: { zone: 'a' }, resources: { cores: 8 } },
    [/on small, which has 4 cores, needs 8$/],
  ],
  ['targets that there are', { targets: ['big::0,1', 'small:0', 'gpus::3'] }, []],
  [
    'a node that there is not',
    { targets: ['small', 'other'] },
    ['spec.targets[1]: there is no node other yet'],
  ],
  ['a NUMA node', { targets: ['small:7'] }, ['spec.targets[0]: node small has no NUMA node 7; it has 0']],
  ['a GPU', { targets: ['big::1,2'] }, ['spec.targets[0]: node big has no GPU 2; it has 0-1']],
  ['any GPU', { targets: ['small::0'] }, ['spec.targets[0]: node small has no GPU']],
  [
    'a target with too little',
    { targets: ['small'], resources: { cores: 8 } },
    ['spec.targets[0]: node small has 4 cores, needs 8'],
  ],
])('%s', (_what, spec, sentences) => {
  const expected = sentences.map((text) => (typeof text === 'string' ? text : expect.stringMatching(text)));
  expect(outlook(spec, nodes)).toEqual(expected);
});

test('a few of many are told, and how many more there are', () => {
  const targets = Array.from({ length: 100 }, (_, index) => `n${index}`);
  expect(outlook({ targets }, nodes)).toHaveLength(6);
  expect(outlook({ targets }, nodes).at(-1)).toBe('spec.targets: 95 more are so');
});

test('nothing is said before a node has told what it has', () => {
  const { status: _none, ...silent } = aNode('silent', 1);
  expect(outlook({ resources: { cores: 1000 } }, [silent])).toEqual([]);
});

import { expect, test } from 'vitest';
import { gibibyte, gpu, numaNodes, readyNode } from '../../../test/support/machines.ts';
import { gpusOf } from './gpus.ts';
import { gpuTarget, namedGpus } from './named-gpus.ts';

const nodes = [
  readyNode('one', {
    numa: numaNodes(['0-3'], gibibyte),
    gpus: [0, 1].map((index) => gpu(index, `a${index}`)),
  }),
  readyNode('two', {
    numa: numaNodes(['0-1', '2-3'], gibibyte),
    gpus: [0, 1].map((index) => gpu(index, `b${index}`, { numa: index })),
  }),
];

const found = (...words: string[]) =>
  namedGpus(gpusOf(nodes, []), nodes, words.map(gpuTarget)).map(({ uuid }) => uuid);

test.each<[string[], string[]]>([
  [['one'], ['a0', 'a1']],
  [
    ['gpu/two::1', 'one::0'],
    ['a0', 'b1'],
  ],
  [['two:0'], ['b0']],
  [['two:1:1'], ['b1']],
  // As for a task: where there is one NUMA node, every GPU is on it.
  [['one:0:1'], ['a1']],
])('%j are %j', (words, uuids) => {
  expect(found(...words)).toEqual(uuids);
});

test.each([
  ['gpu/one::2', 'node one has no GPU 2; it has 0, 1'],
  ['two:0:1', 'NUMA node 0 of node two has no GPU 1; it has 0'],
])('%s: %s', (word, message) => {
  expect(() => found(word)).toThrow(message);
});

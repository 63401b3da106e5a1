import { expect, test } from 'vitest';
import { apiVersion, type Node } from '../../api/index.ts';
import { changedImages, holdersOf } from './holders.ts';

const node = (name: string, ...images: [string, string][]): Node => ({
  ...{ apiVersion, kind: 'Node', metadata: { name }, spec: {} },
  status: { images: images.map(([name, digest]) => ({ name, digest })) },
});

test('who has it, by node and digest', () => {
  const nodes = [node('n2', ['a', 'x']), node('n1', ['a', 'y'], ['b', 'z'], ['a', 'x']), node('n3')];
  expect(holdersOf('a', nodes)).toEqual([
    { name: 'n1', digest: 'x' },
    { name: 'n1', digest: 'y' },
    { name: 'n2', digest: 'x' },
  ]);
  expect(holdersOf('c', nodes)).toEqual([]);
});

test('which have come or gone', () => {
  expect(changedImages(undefined, node('n', ['a', 'x']))).toEqual(['a']);
  expect(changedImages(node('n', ['a', 'x'], ['b', 'y']), node('n', ['a', 'z'], ['b', 'y']))).toEqual(['a']);
  expect(changedImages(node('n', ['a', 'x']), undefined)).toEqual(['a']);
  expect(changedImages(node('n', ['a', 'x']), node('n', ['a', 'x']))).toEqual([]);
});

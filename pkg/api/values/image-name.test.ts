import { expect, it } from 'vitest';
import { imageNameProblem } from './image-name.ts';

const digest = `sha256:${'0123456789abcdef'.repeat(4)}`;

it.each([
  'busybox',
  'python:3.12-slim',
  'library/python',
  'localhost:5000/a/b:1',
  'Registry.Example:443/team/base',
  '[::1]:5000/a',
  `a@${digest}`,
  `registry.example/a:1@${digest}`,
  digest,
  digest.slice(0, 19),
  '0123456789ab',
  'a__b/c.d-e--f:_x.Y',
])('%s can be the name of an image', (image) => {
  expect(imageNameProblem(image)).toBeUndefined();
});

it.each([
  'Busybox',
  'a b',
  'a:',
  ':latest',
  'a//b',
  '/a',
  'a/',
  '../../containers/x',
  'a?tag=b',
  'a/json#',
  '-a',
  'a:b:c',
  `a:${'x'.repeat(129)}`,
  'a@sha256:12',
  'a@',
  'ä',
  'a\n',
])('%j cannot', (image) => {
  expect(imageNameProblem(image)).toContain('must be the name of an image');
});

it('a name of any length is looked at in no time', () => {
  expect(imageNameProblem(`${'a-'.repeat(50_000)}!`)).toContain('must be');
  expect(imageNameProblem(`${'a.'.repeat(50_000)}!`)).toContain('must be');
});

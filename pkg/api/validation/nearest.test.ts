import { expect, test } from 'vitest';
import { nearest, suggestion } from './nearest.ts';

test.each([
  ['comand', 'command'],
  ['comamnd', 'command'],
  ['Command', 'command'],
  ['evn', 'env'],
  ['workingdir', 'workingDir'],
  ['zzz', undefined],
  ['', undefined],
])('%s → %s', (word, meant) => {
  expect(nearest(word, ['command', 'env', 'workingDir'])).toBe(meant);
});

test('a suggestion ends a sentence, or is nothing', () => {
  expect(suggestion('tsk', ['Task'])).toBe('; did you mean Task?');
  expect(suggestion('x'.repeat(500), ['Task'])).toBe('');
});

import { expect, it } from 'vitest';
import { RiverError } from '../base/index.ts';
import { describeError, ExitError, exitCodeOf, Interrupted, Refusal, UsageError } from './errors.ts';

it.each([
  [new UsageError('x'), 2],
  [new ExitError(124, 'x'), 124],
  [new Refusal(2, 'x'), 2],
  [new Interrupted(), 130],
  [new RiverError('Invalid', 'x'), 2],
  [new RiverError('NotFound', 'x'), 1],
  [new RiverError('Conflict', 'x'), 1],
  [new RiverError('Unauthorized', 'x'), 3],
  [new RiverError('ServiceUnavailable', 'cannot reach it', {}, { cause: new Error('ECONNREFUSED') }), 3],
  [new RiverError('ServiceUnavailable', 'the disk of the host is full'), 1],
  [new Error('x'), 1],
])('exit code of %s is %i', (error, code) => {
  expect(exitCodeOf(error)).toBe(code);
});

it('says a sentence, and the causes that it does not hold yet', () => {
  const causes = [
    { field: 'spec.a', message: 'is wrong' },
    { field: 'spec.b', message: 'said' },
  ];
  expect(describeError(new RiverError('Conflict', 'it was said', { causes }))).toBe(
    'river: it was said\n  spec.a: is wrong',
  );
});

it('says nothing after Ctrl-C, and that nothing was changed after a refusal', () => {
  expect(describeError(new Interrupted())).toBe('');
  expect(describeError(new Refusal(1, 'a.yaml:1:1: no'))).toBe('a.yaml:1:1: no\nriver: nothing was changed');
});

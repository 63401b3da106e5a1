import { expect, test } from 'vitest';
import { lazy } from './lazy.ts';

test('made once, on first use', () => {
  let made = 0;
  const value = lazy(() => {
    made += 1;
    return undefined;
  });
  expect(made).toBe(0);
  value();
  value();
  expect(made).toBe(1);
});

test('a failure is not kept', () => {
  let tries = 0;
  const value = lazy(() => {
    tries += 1;
    if (tries === 1) throw new Error('first');
    return tries;
  });
  expect(value).toThrow('first');
  expect(value()).toBe(2);
});

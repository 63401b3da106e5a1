import { expect, test } from 'vitest';
import { SteadyBytes } from './steady-bytes.ts';

const step = 128 * 1024 ** 2;

test('what does not change is told as it is', () => {
  const memory = new SteadyBytes();
  expect([1, 2, 3].map(() => memory.settle(16_700_000_001))).toEqual(Array(3).fill(16_700_000_001));
});

test('steps to and fro end in one value, and never is more told than there is', () => {
  const memory = new SteadyBytes();
  const told = new Set<number>();
  for (let round = 0; round < 100; round++) {
    const bytes = (192 - (round % 4)) * step;
    told.add(memory.settle(bytes));
    expect(memory.settle(bytes)).toBeLessThanOrEqual(bytes);
  }
  expect(told.size).toBe(2);
});

test('what grows or shrinks for good is followed, in few steps', () => {
  const memory = new SteadyBytes();
  const told = [];
  for (let steps = 192; steps > 96; steps--) told.push(memory.settle(steps * step));
  expect(new Set(told).size).toBeLessThan(40);
  expect(told.at(-1)).toBeGreaterThan(96 * step * 0.97);
  expect(memory.settle(192 * step)).toBe(192 * step);
  expect(memory.settle(0)).toBe(0);
  expect(memory.settle(step)).toBe(step);
});

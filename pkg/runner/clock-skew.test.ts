import { expect, test } from 'vitest';
import { ManualClock } from '../../test/support/manual-clock.ts';
import { silentLogger, timestamp } from '../base/index.ts';
import { ClockSkew } from './clock-skew.ts';

test('told when it is far off for sure, when that changes much, and when it is over', () => {
  const clock = new ManualClock();
  let changes = 0;
  const skew = new ClockSkew({
    ...{ clock, logger: silentLogger },
    onChange: () => {
      changes += 1;
    },
  });
  const measure = (aheadMs: number, roundTripMs = 20) => {
    skew.measured(timestamp(clock.now() - roundTripMs / 2 - aheadMs), roundTripMs);
    const [condition] = skew.conditions();
    return [condition?.status, condition?.reason, changes];
  };
  expect(skew.conditions()).toEqual([]);
  expect(measure(1_000)).toEqual(['False', 'InStep', 1]);
  expect(measure(8_000, 9_000)).toEqual(['False', 'InStep', 1]);
  expect(measure(3_600_000)).toEqual(['True', 'ClockAhead', 2]);
  expect(skew.conditions()[0]?.message).toContain('3600 s ahead of');
  expect(measure(3_590_000)).toEqual(['True', 'ClockAhead', 2]);
  expect(measure(-7_200_000)).toEqual(['True', 'ClockBehind', 3]);
  expect(measure(-4_000)).toEqual(['True', 'ClockBehind', 4]);
  expect(measure(100)).toEqual(['False', 'InStep', 5]);
  expect(measure(-4_000)).toEqual(['False', 'InStep', 5]);
});

test('a clock that is off by the same time says the same, however slow the answers are', () => {
  const clock = new ManualClock();
  let changes = 0;
  const skew = new ClockSkew({
    ...{ clock, logger: silentLogger },
    onChange: () => {
      changes += 1;
    },
  });
  // Its way there takes all of the time, or its way back: what is measured is off by half of it.
  for (const [aheadMs, roundTripMs] of [
    [6_000, 20],
    [10_500, 9_000],
    [1_500, 9_000],
    [2_500, 7_000],
    [6_000, 20],
  ] as const)
    skew.measured(timestamp(clock.now() - roundTripMs / 2 - aheadMs), roundTripMs);
  expect(changes).toBe(1);
  expect(skew.conditions()[0]).toMatchObject({ status: 'True', reason: 'ClockAhead' });
});

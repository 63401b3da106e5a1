import { expect, test } from 'vitest';
import type { LoadProgress } from '../../executor/index.ts';
import { loadReport, throttled } from './load-report.ts';

const progress = (bytes: number): LoadProgress => ({
  ...{ bytes, totalBytes: 100 * 2 ** 20 },
  ...{ layers: 1, totalLayers: 3 },
});

test('says how much of how much in a sentence, and in figures', () => {
  expect(loadReport('py', progress(2.5 * 2 ** 20))).toEqual({
    phase: 'Preparing',
    reason: 'LoadingEnvironment',
    message: 'Loading environment py: 2.5 of 100 MiB, 1 of 3 layers.',
    progress: progress(2.5 * 2 ** 20),
  });
});

test('passes on the first at once, then one in two seconds', () => {
  let now = 0;
  const clock = {
    now: () => now,
    monotonic: () => now,
    nextTurn: () => {},
    after: () => ({ cancel: () => {} }),
  };
  const told: number[] = [];
  const tell = throttled(clock, ({ bytes }) => told.push(bytes));
  for (now = 0; now <= 5000; now += 500) tell(progress(now));
  expect(told).toEqual([0, 2000, 4000]);
});

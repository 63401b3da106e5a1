import { expect, test } from 'vitest';
import type { Intent } from './intents.ts';
import { Marks } from './marks.ts';

test('a pause is measured by the clock that does not jump, in whole milliseconds', async () => {
  let intent: Partial<Intent> = { uid: 'u1', pausedMs: 5 };
  let [wallMs, monotonicMs] = [1_000_000, 300.25];
  const marks = new Marks({
    intents: {
      get: () => intent,
      update: async (_uid: string, change: Partial<Intent>) => {
        intent = { ...intent, ...change };
      },
    } as never,
    clock: { now: () => wallMs, monotonic: () => monotonicMs, after: () => ({ cancel() {} }), nextTurn() {} },
    bootId: 'b1',
  });
  await marks.paused('u1');
  expect(intent.pausedAt).toBe(1_000_000);
  wallMs -= 3_600_000;
  monotonicMs += 1_000.5;
  await marks.resumed('u1');
  expect(intent).toMatchObject({ pausedAt: undefined, pausedSince: undefined, pausedMs: 1_006 });
});

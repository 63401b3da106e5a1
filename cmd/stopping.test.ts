import { expect, it } from 'vitest';
import { type LogFields, type Logger, silentLogger } from '../pkg/base/index.ts';
import { ManualClock, settle } from '../test/support/manual-clock.ts';
import { type StopPart, stopInOrder } from './stopping.ts';

function stopping(parts: StopPart[], trouble?: string) {
  const clock = new ManualClock();
  const logged: LogFields[] = [];
  const logger: Logger = { ...silentLogger, warn: (_message, fields = {}) => void logged.push(fields) };
  const answer = stopInOrder(parts, { clock, logger, trouble: async () => trouble });
  return { clock, logged, answer };
}

it('one part ends after the other; nothing is said when all of them do', async () => {
  const ended: string[] = [];
  const part = (name: string): StopPart => ({
    name,
    stop: async () => {
      await settle(1);
      ended.push(name);
    },
  });
  const { answer, logged, clock } = stopping([part('api'), part('loops'), part('store')]);
  expect(await answer).toBe(true);
  expect(ended).toEqual(['api', 'loops', 'store']);
  expect([logged, clock.timers]).toEqual([[], 0]);
});

it('one that fails, at once or later, is said, and what comes after it ends too', async () => {
  let closed = false;
  const { answer, logged } = stopping([
    {
      name: 'api',
      stop: () => {
        throw new Error('at once');
      },
    },
    { name: 'loops', stop: () => Promise.reject(new Error('later')) },
    {
      name: 'store',
      stop: () => {
        closed = true;
      },
    },
  ]);
  expect(await answer).toBe(false);
  expect(closed).toBe(true);
  expect(logged).toMatchObject([
    { part: 'api', reason: 'at once' },
    { part: 'loops', reason: 'later' },
  ]);
});

it('one that does not end is left behind when its time is over, with what it waits for and why', async () => {
  let closed = false;
  const { answer, logged, clock } = stopping(
    [
      {
        name: 'loops',
        stop: () => new Promise(() => {}),
        withinMs: 7_000,
        waitsFor: () => ['environment/py'],
      },
      {
        name: 'store',
        stop: () => {
          closed = true;
        },
      },
    ],
    'the engine hangs',
  );
  await settle();
  clock.advance(6_999);
  await settle();
  expect([closed, logged]).toEqual([false, []]);
  clock.advance(1);
  expect(await answer).toBe(false);
  expect(closed).toBe(true);
  expect(logged).toEqual([
    {
      part: 'loops',
      reason: 'it has not ended within 7 s',
      waitsFor: ['environment/py'],
      trouble: 'the engine hangs',
    },
  ]);
});

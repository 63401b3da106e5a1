import { beforeEach, expect, test } from 'vitest';
import { RiverError, seededRng, silentLogger } from '../base/index.ts';
import { KeyLoop, type PassResult } from './key-loop.ts';

let timers: { delayMs: number; fire: () => void; cancelled: boolean }[];
let passes: {
  key: string;
  end: (result: PassResult) => Promise<void>;
  fail: (error: Error) => Promise<void>;
}[];
let loop: KeyLoop;
let counted: string[];

const settle = () => new Promise<void>((resolve) => setImmediate(resolve));
const pending = () => timers.filter((timer) => !timer.cancelled);

beforeEach(() => {
  counted = [];
  timers = [];
  passes = [];
  loop = new KeyLoop({
    clock: {
      now: () => 0,
      monotonic: () => 0,
      nextTurn: (callback) => callback(),
      after: (delayMs, callback) => {
        const timer = {
          delayMs,
          cancelled: false,
          fire: () => {
            timer.cancelled = true;
            callback();
          },
        };
        timers.push(timer);
        return {
          cancel: () => {
            timer.cancelled = true;
          },
        };
      },
    },
    rng: seededRng(1),
    logger: silentLogger,
    count: (event) => void counted.push(event),
    work: (key) =>
      new Promise((resolve, reject) => {
        passes.push({
          key,
          end: (result) => {
            resolve(result);
            return settle();
          },
          fail: (error) => {
            reject(error);
            return settle();
          },
        });
      }),
  });
});

const transient = new RiverError('ServiceUnavailable', 'away');

test('never one key twice at a time; made dirty meanwhile: once more; others run beside it', async () => {
  loop.poke('a');
  loop.poke('a');
  loop.poke('b');
  await settle();
  expect(passes.map((pass) => pass.key)).toEqual(['a', 'b']);
  loop.poke('a');
  loop.poke('a');
  await settle();
  expect(passes).toHaveLength(2);
  await passes[0]!.end({ settled: true });
  expect(passes.map((pass) => pass.key)).toEqual(['a', 'b', 'a']);
  await passes[2]!.end({ settled: true });
  expect(passes).toHaveLength(3);
});

test('what fails waits longer each time, and is not hurried by what is only seen', async () => {
  loop.poke('a');
  await settle();
  for (let round = 0; round < 8; round += 1) {
    await passes[round]!.fail(transient);
    loop.poke('a');
    await settle();
    expect(passes).toHaveLength(round + 1);
    pending()[0]!.fire();
    await settle();
  }
  expect(counted).toEqual(Array(8).fill('run_backed_off'));
  const delays = timers.map((timer) => timer.delayMs);
  expect(delays.at(-1)).toBeGreaterThan((delays[0] ?? 0) * 8);
  expect(Math.max(...delays)).toBeLessThanOrEqual(10_000);
});

test('what is wanted anew does not wait', async () => {
  loop.poke('a');
  await settle();
  await passes[0]!.fail(transient);
  loop.poke('a', { urgent: true });
  await settle();
  expect(passes).toHaveLength(2);
  expect(pending()).toEqual([]);
});

test('work that fails in the background again and again waits longer too', async () => {
  for (let round = 0; round < 6; round += 1) {
    if (round === 0) loop.poke('a');
    else pending()[0]!.fire();
    await settle();
    await passes[round]!.end({ settled: false });
    loop.fail('a', transient);
  }
  expect(pending()[0]!.delayMs).toBeGreaterThan((timers[0]?.delayMs ?? 0) * 4);
});

test('looks again after the time that the pass asked for', async () => {
  loop.poke('a');
  await settle();
  await passes[0]!.end({ settled: true, wakeAfterMs: 777 });
  expect(pending().map((timer) => timer.delayMs)).toEqual([777]);
  pending()[0]!.fire();
  await settle();
  expect(passes).toHaveLength(2);
});

test('closed: nothing more', async () => {
  loop.poke('a');
  await settle();
  loop.poke('a');
  loop.close();
  await passes[0]!.end({ settled: true, wakeAfterMs: 5 });
  loop.poke('b');
  await settle();
  expect(passes).toHaveLength(1);
  expect(pending()).toEqual([]);
});

import { beforeEach, expect, test } from 'vitest';
import { type Clock, silentLogger } from '../base/index.ts';
import { CompactionLoop } from './index.ts';

let now: number;
let due: (() => void) | undefined;
const store = { newest: 0, lowest: 0, compactions: [] as number[], fails: false };

const clock: Clock = {
  now: () => now,
  monotonic: () => now,
  after(_, callback) {
    due = callback;
    return {
      cancel: () => {
        due = undefined;
      },
    };
  },
  nextTurn: (callback) => callback(),
};

function makeLoop(): CompactionLoop {
  return new CompactionLoop({
    store: {
      version: () => store.newest,
      floor: () => store.lowest,
      async compact(version) {
        if (store.fails) throw new Error('full');
        store.compactions.push(version);
        store.lowest = version;
      },
    },
    clock,
    logger: silentLogger,
    keepMs: 600,
    keepVersions: 100,
    maxVersions: 1000,
    intervalMs: 60,
  });
}

/** Lets the loop look, and waits until it has set its next timer. */
async function look(version: number): Promise<void> {
  store.newest = version;
  now += 60;
  const callback = due;
  due = undefined;
  callback?.();
  for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
}

beforeEach(() => {
  now = 0;
  due = undefined;
  Object.assign(store, { newest: 0, lowest: 0, compactions: [], fails: false });
});

test('forgets what is both old and beyond the newest', async () => {
  makeLoop().start();
  for (let turn = 1; turn <= 20; turn += 1) await look(turn * 50);
  // At 1,200 ms the version of 600 ms ago was 500; the newest 100 reach down to 900.
  expect(store.compactions.at(-1)).toBe(500);
});

test('keeps the newest versions of an idle store, and stops writing', async () => {
  makeLoop().start();
  for (let turn = 0; turn < 50; turn += 1) await look(300);
  expect(store.compactions).toEqual([200]);
});

test('writes nothing while there is nothing to forget', async () => {
  makeLoop().start();
  for (let turn = 0; turn < 50; turn += 1) await look(100);
  expect(store.compactions).toEqual([]);
});

test('a burst is cut however young it is', async () => {
  makeLoop().start();
  await look(5000);
  expect(store.compactions).toEqual([4000]);
});

test('goes on after a failure, and not after stop', async () => {
  const loop = makeLoop();
  loop.start();
  store.fails = true;
  await look(5000);
  expect(store.compactions).toEqual([]);
  store.fails = false;
  await look(5000);
  expect(store.compactions).toEqual([4000]);
  loop.stop();
  expect(due).toBeUndefined();
});

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Clock, seededRng, silentLogger } from '../base/index.ts';
import { openSqliteStore, type SqliteStore } from './index.ts';

let directory: string;
let store: SqliteStore;
let turns: (() => void)[];

/** Time stands still; a turn ends only when the test says so. */
const clock: Clock = {
  now: () => 0,
  monotonic: () => 0,
  after: () => ({ cancel: () => {} }),
  nextTurn: (callback) => {
    turns.push(callback);
  },
};

beforeEach(() => {
  turns = [];
  directory = mkdtempSync(join(tmpdir(), 'river-turns-'));
  store = openSqliteStore({ directory, clock, rng: seededRng(1), logger: silentLogger });
});

afterEach(async () => {
  await store.close();
  rmSync(directory, { recursive: true });
});

/** Promises only: were there real input or output in the way, it would not be done in time. */
async function microtasks(): Promise<void> {
  for (let index = 0; index < 50; index += 1) await Promise.resolve();
}

async function endTurn(): Promise<void> {
  const ending = turns;
  turns = [];
  for (const callback of ending) callback();
  await microtasks();
}

const object = (name: string) => ({ apiVersion: 'river.dev/v1', kind: 'Task', metadata: { name } });

function put(name: string): Promise<string> {
  return store.transact((transaction) => transaction.put(object(name)).name);
}

test('all transactions of a turn are committed at its end, in order', async () => {
  const done: string[] = [];
  const seen: string[] = [];
  store.watch('Task', 0, { event: ({ record }) => seen.push(record.name), closed: () => {} });
  await endTurn();
  for (const name of ['a', 'b', 'c']) put(name).then((written) => done.push(written));
  await microtasks();
  expect([turns.length, done, store.version()]).toEqual([1, [], 0]);
  await endTurn();
  expect([turns.length, done, seen, store.version()]).toEqual([0, ['a', 'b', 'c'], ['a', 'b', 'c'], 3]);
});

test('a burst is spread over turns', async () => {
  let done = 0;
  for (let index = 0; index < 600; index += 1) {
    put(`t${index}`).then(() => {
      done += 1;
    });
  }
  const progress: number[] = [];
  while (turns.length > 0) {
    await endTurn();
    progress.push(done);
  }
  expect(progress).toEqual([256, 512, 600]);
});

test('lists and replays take one turn a page', async () => {
  const filling = store.transact((transaction) => {
    for (let index = 0; index < 1200; index += 1) transaction.put(object(`t${index}`));
  });
  await endTurn();
  await filling;
  let listed = 0;
  let replayed = 0;
  store.list('Task').then(({ records }) => {
    listed = records.length;
  });
  const handler = { event: () => {}, progress: (version: number) => (replayed = version), closed: () => {} };
  store.watch('Task', 0, handler);
  put('t0');
  store.compact(1201);
  const progress: [number, number][] = [];
  for (let turn = 0; turn < 4; turn += 1) {
    await endTurn();
    progress.push([listed, replayed]);
  }
  expect(progress).toEqual([
    [0, 0],
    [1200, 0],
    [1200, 1201],
    [1200, 1201],
  ]);
});

test('a page of a list and a read need no turn at all', async () => {
  const write = put('a');
  await endTurn();
  await write;
  let names: string[] = [];
  store.list('Task', { limit: 10 }).then(({ records }) => {
    names = records.map(({ name }) => name);
  });
  await microtasks();
  expect([names, store.get('Task', '', 'a')?.version, turns.length]).toEqual([['a'], 1, 0]);
});

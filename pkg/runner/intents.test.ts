import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Clock } from '../base/index.ts';
import { type Intent, openIntents } from './intents.ts';

let folder: string;
let turns: (() => void)[];
const clock: Clock = {
  now: () => 0,
  monotonic: () => 0,
  after: () => ({ cancel: () => {} }),
  nextTurn: (callback) => {
    turns.push(callback);
  },
};
const file = () => join(folder, 'intents.db');
const endTurn = () => {
  for (const turn of turns.splice(0)) turn();
};

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'river-intents-'));
  turns = [];
});
afterEach(() => rmSync(folder, { recursive: true }));

const intent = (uid: string, more: Partial<Intent> = {}): Intent => ({
  uid,
  namespace: 'default',
  name: `run-${uid}`,
  runtime: 'process',
  outPath: '/o',
  errPath: '/e',
  epoch: 'e1',
  ...more,
});

test('writes of one turn share a commit, resolve after it, and survive', async () => {
  const intents = openIntents(file(), clock);
  const order: string[] = [];
  const writes = [
    intents.put(intent('a')),
    intents.put(intent('b')),
    intents.update('a', { stopReason: 'Stopped' }),
  ];
  for (const write of writes) void write.then(() => order.push('resolved'));
  expect(turns).toHaveLength(1);
  expect(intents.uids()).toEqual([]);
  endTurn();
  expect(order).toEqual([]);
  await Promise.all(writes);
  // As a crash leaves it: never closed.
  copyFileSync(file(), `${file()}2`);
  copyFileSync(`${file()}-wal`, `${file()}2-wal`);
  const again = openIntents(`${file()}2`, clock);
  expect(again.get('a')).toEqual(intent('a', { stopReason: 'Stopped' }));
  expect(again.uids()).toEqual(['a', 'b']);
  again.close();
  intents.close();
});

test('two changes in one turn do not undo each other; a change of what was forgotten does nothing', async () => {
  const intents = openIntents(file(), clock);
  void intents.put(intent('a', { stopReason: 'Stopped' }));
  endTurn();
  void intents.update('a', { stopReason: undefined, startBootId: 'b1' });
  void intents.update('a', { acknowledgedEpoch: 'e1' });
  void intents.update('x', { acknowledgedEpoch: 'e1' });
  endTurn();
  expect(intents.get('a')).toEqual(intent('a', { startBootId: 'b1', acknowledgedEpoch: 'e1' }));
  expect(intents.uids()).toEqual(['a']);
  intents.close();
});

test('unfinished: what this epoch of the host has not acknowledged', async () => {
  const intents = openIntents(file(), clock);
  void intents.put(intent('a'));
  void intents.put(intent('b', { acknowledgedEpoch: 'e1' }));
  endTurn();
  expect(intents.unfinished('e1')).toEqual(['a']);
  expect(intents.unfinished('e2')).toEqual(['a', 'b']);
  intents.close();
});

test('remembers the cluster', () => {
  const intents = openIntents(file(), clock);
  expect(intents.cluster()).toBeUndefined();
  void intents.setCluster({ clusterUid: 'c', epoch: 'e' });
  endTurn();
  expect(intents.cluster()).toEqual({ clusterUid: 'c', epoch: 'e' });
  intents.close();
});

test('a write that the disk refuses is refused as ServiceUnavailable', async () => {
  const intents = openIntents(file(), clock);
  const other = new Database(file());
  other.exec('DROP TABLE intents');
  other.close();
  const write = intents.put(intent('a'));
  endTurn();
  await expect(write).rejects.toMatchObject({ code: 'ServiceUnavailable' });
  intents.close();
});

test('refuses the file of a newer version', () => {
  const newer = new Database(file());
  newer.pragma('user_version = 99');
  newer.close();
  expect(() => openIntents(file(), clock)).toThrow('newer river');
});

import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Clock } from '../base/index.ts';
import { type Intent, openIntents } from './intents.ts';
import { migrateIntents } from './intents-schema.ts';

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

test('what was read in the midst of writes that were refused is forgotten', async () => {
  const intents = openIntents(file(), clock);
  const other = new Database(file());
  other.exec(
    "CREATE TRIGGER full BEFORE INSERT ON intents WHEN NEW.uid = 'b' BEGIN SELECT RAISE(ABORT, 'full'); END",
  );
  other.close();
  void intents.put(intent('a'));
  endTurn();
  const refused = [
    intents.update('a', { startBootId: 'b1' }),
    intents.update('a', { confined: true }),
    intents.put(intent('b')),
  ];
  endTurn();
  for (const write of refused) await expect(write).rejects.toMatchObject({ code: 'ServiceUnavailable' });
  expect(intents.get('a')).toEqual(intent('a'));
  intents.close();
});

test('refuses the file of a newer version', () => {
  const newer = new Database(file());
  newer.pragma('user_version = 99');
  newer.close();
  expect(() => openIntents(file(), clock)).toThrow('newer river');
});

describe('records of an older format', () => {
  const steps = [
    'CREATE TABLE intents (uid TEXT PRIMARY KEY)',
    "INSERT INTO intents VALUES ('b')",
    "INSERT INTO intents VALUES ('c')",
  ];
  const uids = (database: Database.Database) => database.prepare('SELECT uid FROM intents').pluck().all();
  const format = (database: Database.Database) => database.pragma('user_version', { simple: true });
  let database: Database.Database;

  beforeEach(() => {
    database = new Database(file());
    migrateIntents(database, file(), steps.slice(0, 1));
    database.exec("INSERT INTO intents VALUES ('a')");
  });
  afterEach(() => database.close());

  test('are copied first, and then brought to the newest in one transaction', () => {
    expect(() => migrateIntents(database, file(), [...steps.slice(0, 2), 'SELECT nonsense'])).toThrow(
      'nonsense',
    );
    expect([format(database), uids(database)]).toEqual([1, ['a']]);
    migrateIntents(database, file(), steps);
    expect([format(database), uids(database)]).toEqual([3, ['a', 'b', 'c']]);
    const copy = new Database(`${file()}.format-1`);
    expect([format(copy), uids(copy)]).toEqual([1, ['a']]);
    copy.close();
    expect((statSync(`${file()}.format-1`).mode & 0o777).toString(8)).toBe('600');
  });

  test('are whole after a SIGKILL in the middle of that, and the next start finishes', () => {
    const cut = [...steps, 'DELETE FROM intents; SELECT killed()'];
    const script = `
      import Database from 'better-sqlite3';
      import { migrateIntents } from '${import.meta.dirname}/intents-schema.ts';
      const database = new Database(${JSON.stringify(file())});
      database.pragma('journal_mode = WAL');
      database.function('killed', () => process.kill(process.pid, 'SIGKILL'));
      migrateIntents(database, ${JSON.stringify(file())}, ${JSON.stringify(cut)});`;
    database.close();
    const words = ['--input-type=module-typescript', '-e', script];
    const child = spawnSync(process.execPath, words, { encoding: 'utf8' });
    expect([child.signal, child.stderr]).toEqual(['SIGKILL', '']);
    database = new Database(file());
    expect([format(database), uids(database)]).toEqual([1, ['a']]);
    migrateIntents(database, file(), steps);
    expect([format(database), uids(database)]).toEqual([3, ['a', 'b', 'c']]);
  });
});

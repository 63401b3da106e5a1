import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import SqliteDatabase from 'better-sqlite3';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { realClock, realRng, silentLogger } from '../base/index.ts';
import { openSqliteStore, restoreBackup, type SqliteStore } from './index.ts';

let root: string;
let store: SqliteStore;
let file: string;

const open = (name: string) =>
  openSqliteStore({ directory: join(root, name), clock: realClock, rng: realRng, logger: silentLogger });
const restore = (name: string, from = file) =>
  restoreBackup({ file: from, directory: join(root, name), rng: realRng });

function put(into: SqliteStore, name: string) {
  const object = {
    apiVersion: 'river.dev/v1',
    kind: 'Task',
    metadata: { name },
    spec: { text: 'x'.repeat(2000) },
  };
  return into.transact((transaction) => transaction.put(object));
}

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'river-backup-'));
  store = open('state');
  file = join(root, 'backup');
});

afterEach(async () => {
  await store.close();
  rmSync(root, { recursive: true });
});

test('a restored store has the same objects and cluster, a new epoch, and no version that clients know', async () => {
  await put(store, 'one');
  await put(store, 'one');
  await store.backup(file);
  const last = await put(store, 'lost');
  const restored = restore('again');
  const again = open('again');
  expect(again.clusterUid).toBe(store.clusterUid);
  expect(again.epoch).not.toBe(store.epoch);
  expect(restored).toEqual({ clusterUid: again.clusterUid, epoch: again.epoch, version: again.version() });
  expect((await again.list('Task')).records.map(({ name }) => name)).toEqual(['one']);
  expect(again.floor()).toBe(again.version());
  const handler = { event: () => {}, closed: () => {} };
  expect(() => again.watch('Task', last.version, handler)).toThrow(/compacted away/);
  const next = await put(again, 'next');
  expect(next.version).toBeGreaterThan(last.version + 100_000);
  await again.compact(again.version());
  expect((await again.list('Task')).records.map(({ name }) => name)).toEqual(['next', 'one']);
  await again.close();
});

test('a backup is one moment, however much is written meanwhile', async () => {
  await store.transact((transaction) => {
    for (let index = 0; index < 3000; index += 1) {
      const metadata = { name: `t${index}`, labels: { round: '0' } };
      transaction.put({
        apiVersion: 'river.dev/v1',
        kind: 'Task',
        metadata,
        spec: { text: 'x'.repeat(2000) },
      });
    }
  });
  let done = false;
  const backup = store.backup(file).then(() => {
    done = true;
  });
  let round = 0;
  while (!done) {
    round += 1;
    await store.transact((transaction) => {
      // First and last lie at both ends of the file.
      for (const name of ['t0', 't2999']) {
        transaction.put({
          apiVersion: 'river.dev/v1',
          kind: 'Task',
          metadata: { name, labels: { round: String(round) } },
        });
      }
    });
  }
  await backup;
  expect(round).toBeGreaterThan(2);
  restore('again');
  const again = open('again');
  const rounds = ['t0', 't2999'].map((name) => again.get('Task', '', name)?.object.metadata.labels?.round);
  expect(rounds[0]).toBe(rounds[1]);
  expect((await again.list('Task')).records.length).toBe(3000);
  await again.close();
});

test('the file is private, and nothing else is left beside it', async () => {
  await store.backup(file);
  expect((statSync(file).mode & 0o777).toString(8)).toBe('600');
  expect(readdirSync(root).sort()).toEqual(['backup', 'state']);
});

test('an existing file is refused and kept', async () => {
  writeFileSync(file, 'precious');
  await expect(store.backup(file)).rejects.toMatchObject({ code: 'AlreadyExists' });
  expect(statSync(file).size).toBe(8);
});

test('a folder that does not exist is refused with a sentence', async () => {
  await expect(store.backup(join(root, 'none', 'backup'))).rejects.toThrow(
    /^The backup to .* failed: ENOENT/,
  );
});

test('restore refuses a directory with a store, and leaves that as it is', async () => {
  await put(store, 'one');
  await store.backup(file);
  await store.close();
  expect(() => restore('state')).toThrow(/already has a store/);
  store = open('state');
  expect(store.get('Task', '', 'one')).toBeDefined();
});

test('restore refuses what is no backup, damaged or newer, and makes no store of it', async () => {
  await put(store, 'one');
  await store.backup(file);
  expect(() => restore('a', join(root, 'none'))).toThrow(/does not exist/);
  const text = join(root, 'text');
  writeFileSync(
    text,
    'this is not a database, only some text that is long enough to be read as one'.repeat(20),
  );
  expect(() => restore('b', text)).toThrow(/damaged/);
  const empty = join(root, 'empty');
  new SqliteDatabase(empty).exec('CREATE TABLE a (x)').close();
  expect(() => restore('c', empty)).toThrow(/not a backup of a river store/);
  const newer = new SqliteDatabase(file);
  newer.prepare("UPDATE meta SET value = '99' WHERE key = 'schema'").run();
  newer.close();
  expect(() => restore('d', file)).toThrow(/written by a newer river/);
  for (const name of ['b', 'c', 'd']) expect(existsSync(join(root, name, 'river.db'))).toBe(false);
});

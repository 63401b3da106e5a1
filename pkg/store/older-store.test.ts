import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import SqliteDatabase from 'better-sqlite3';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { realClock, realRng, silentLogger } from '../base/index.ts';
import { openSqliteStore, restoreBackup } from './index.ts';
import { schemaVersion } from './schema.ts';

const golden = readFileSync(join(import.meta.dirname, 'fixtures/schema-1.sql'), 'utf8');
let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'river-older-'));
});
afterEach(() => rmSync(root, { recursive: true }));

function writeOld(file: string): void {
  const database = new SqliteDatabase(file);
  database.exec(golden);
  database.close();
}

const open = (directory: string) =>
  openSqliteStore({ directory, clock: realClock, rng: realRng, logger: silentLogger });

test('a store of schema 1 opens with all that is in it, and its state before stays beside it', async () => {
  const directory = join(root, 'state');
  mkdirSync(directory);
  writeOld(join(directory, 'river.db'));
  const store = open(directory);
  expect([store.clusterUid, store.epoch, store.version()]).toEqual(['the-cluster', 'the-epoch', 6]);
  const names = async (options: Parameters<typeof store.list>[1]) =>
    (await store.list('Run', options)).records.map(({ name }) => name);
  expect(await names({})).toEqual(['a-1', 'a-2', 'a-3']);
  expect(await names({ node: 'n1' })).toEqual(['a-1', 'a-2']);
  expect(await names({ node: 'n1', active: true })).toEqual(['a-1']);
  expect(store.get('Run', 'default', 'a-2')?.object.status).toMatchObject({ exitCode: 7 });
  expect(store.get('Task', 'default', 'gone')).toBeUndefined();
  await store.close();
  const copy = new SqliteDatabase(join(directory, 'river.db.schema-1'), { readonly: true });
  expect([schemaVersion(copy), copy.prepare('SELECT count(*) FROM log').pluck().get()]).toEqual([1, 6]);
  copy.close();
  const again = open(directory);
  expect(again.version()).toBe(6);
  await again.close();
});

test('a backup of schema 1 is restored, and migrated at the first start', async () => {
  const [file, directory] = [join(root, 'backup.db'), join(root, 'restored')];
  writeOld(file);
  restoreBackup({ file, directory, rng: realRng });
  const store = open(directory);
  expect((await store.list('Run', { node: 'n1', active: true })).records).toHaveLength(1);
  expect(store.clusterUid).toBe('the-cluster');
  await store.close();
  expect(existsSync(join(directory, 'river.db.schema-1'))).toBe(true);
});

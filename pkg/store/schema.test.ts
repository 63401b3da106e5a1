import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import SqliteDatabase, { type Database } from 'better-sqlite3';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { migrate, readMeta, schemaVersion } from './schema.ts';

let directory: string;
let file: string;
let database: Database;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'river-schema-'));
  file = join(directory, 'river.db');
  database = new SqliteDatabase(file);
});

afterEach(() => {
  database.close();
  rmSync(directory, { recursive: true });
});

const steps = ['CREATE TABLE a (x)', 'INSERT INTO a VALUES (2)', 'INSERT INTO a VALUES (3)'];

test('a new file gets all steps and needs no copy', () => {
  expect(migrate(database, file, steps)).toBeUndefined();
  expect(schemaVersion(database)).toBe(3);
  expect(database.prepare('SELECT count(*) AS amount FROM a').get()).toEqual({ amount: 2 });
});

test('an older file gets the missing steps only, after a private copy of it was made', () => {
  migrate(database, file, steps.slice(0, 2));
  const copy = migrate(database, file, steps) ?? '';
  expect(copy).toBe(`${file}.schema-2`);
  expect((statSync(copy).mode & 0o777).toString(8)).toBe('600');
  expect(database.prepare('SELECT x FROM a').all()).toEqual([{ x: 2 }, { x: 3 }]);
  const old = new SqliteDatabase(copy);
  expect(schemaVersion(old)).toBe(2);
  expect(old.prepare('SELECT x FROM a').all()).toEqual([{ x: 2 }]);
  old.close();
  expect(migrate(database, file, steps)).toBeUndefined();
});

test('a step that fails leaves the file as it was, the steps before it too', () => {
  migrate(database, file, steps.slice(0, 1));
  expect(() =>
    migrate(database, file, [...steps.slice(0, 2), 'INSERT INTO a VALUES (9); SELECT nonsense']),
  ).toThrow();
  expect(schemaVersion(database)).toBe(1);
  expect(database.prepare('SELECT x FROM a').all()).toEqual([]);
  migrate(database, file, steps);
  expect(readMeta(database, 'schema')).toBe('3');
});

test('SIGKILL in the middle of a migration leaves the file whole, and the next start finishes', () => {
  migrate(database, file, steps.slice(0, 2));
  const cut = [
    ...steps.slice(0, 2),
    'INSERT INTO a VALUES (7)',
    'DELETE FROM a WHERE x < 3; SELECT killed()',
  ];
  const script = `
    import SqliteDatabase from 'better-sqlite3';
    import { migrate } from '${import.meta.dirname}/schema.ts';
    const database = new SqliteDatabase(${JSON.stringify(file)});
    database.pragma('journal_mode = WAL');
    database.function('killed', () => process.kill(process.pid, 'SIGKILL'));
    migrate(database, ${JSON.stringify(file)}, ${JSON.stringify(cut)});`;
  database.close();
  const child = spawnSync(process.execPath, ['--input-type=module-typescript', '-e', script], {
    encoding: 'utf8',
  });
  expect([child.signal, child.stderr]).toEqual(['SIGKILL', '']);
  database = new SqliteDatabase(file);
  expect(schemaVersion(database)).toBe(2);
  expect(database.prepare('SELECT x FROM a').all()).toEqual([{ x: 2 }]);
  // The copy of the start that was killed, perhaps a part of one, is replaced.
  writeFileSync(`${file}.schema-2`, 'a part of a copy');
  expect(migrate(database, file, steps)).toBe(`${file}.schema-2`);
  expect(database.prepare('SELECT x FROM a').all()).toEqual([{ x: 2 }, { x: 3 }]);
  const old = new SqliteDatabase(`${file}.schema-2`);
  expect(old.prepare('SELECT x FROM a').all()).toEqual([{ x: 2 }]);
  old.close();
});

test('a file of a newer river is refused and left alone', () => {
  migrate(database, file, steps);
  expect(() => migrate(database, file, steps.slice(0, 1))).toThrow(
    `State directory ${directory} was written by a newer river (schema 3, this one knows 1): install the river`,
  );
  expect(schemaVersion(database)).toBe(3);
  expect(existsSync(`${file}.schema-3`)).toBe(false);
});

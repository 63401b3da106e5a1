import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
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

test('a step that fails leaves the schema before it', () => {
  migrate(database, file, steps.slice(0, 1));
  expect(() =>
    migrate(database, file, [...steps.slice(0, 2), 'INSERT INTO a VALUES (9); SELECT nonsense']),
  ).toThrow();
  expect(schemaVersion(database)).toBe(2);
  expect(database.prepare('SELECT x FROM a').all()).toEqual([{ x: 2 }]);
  migrate(database, file, steps);
  expect(readMeta(database, 'schema')).toBe('3');
});

test('a file of a newer river is refused and left alone', () => {
  migrate(database, file, steps);
  expect(() => migrate(database, file, steps.slice(0, 1))).toThrow(
    `State directory ${directory} was written by a newer river (schema 3, this one knows 1): install the river`,
  );
  expect(schemaVersion(database)).toBe(3);
  expect(existsSync(`${file}.schema-3`)).toBe(false);
});

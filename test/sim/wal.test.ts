import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { seededRng } from '../../pkg/base/index.ts';
import { Disk } from './disk.ts';
import { copyTorn, markWal } from './wal.ts';

let disk: Disk;
let folder: string;
let database: Database.Database;

function open(path: string): Database.Database {
  const opened = new Database(join(path, 'x.db'));
  opened.pragma('journal_mode = WAL');
  return opened;
}

beforeEach(() => {
  disk = new Disk();
  folder = disk.fresh();
  mkdirSync(folder);
  database = open(folder);
  database.exec('CREATE TABLE t (n INTEGER)');
});

afterEach(() => {
  database.close();
  disk.remove();
});

const insert = (n: number) => database.prepare('INSERT INTO t VALUES (?)').run(n);

function rowsAfterCrash(seed: number, acknowledged?: ReturnType<typeof markWal>): number[] {
  const to = disk.fresh();
  copyTorn(folder, to, 'x.db', { rng: seededRng(seed), acknowledged });
  const copy = open(to);
  const rows = copy.prepare<[], { n: number }>('SELECT n FROM t ORDER BY n').all();
  expect(copy.pragma('integrity_check', { simple: true })).toBe('ok');
  copy.close();
  return rows.map((row) => row.n);
}

describe('a torn write-ahead log', () => {
  it('loses nothing when everything was acknowledged, whatever follows half written', () => {
    insert(1);
    insert(2);
    for (let seed = 1; seed <= 20; seed += 1) expect(rowsAfterCrash(seed)).toEqual([1, 2]);
  });

  it('loses only what came after the last acknowledged commit, and sometimes that', () => {
    insert(1);
    const mark = markWal(folder, 'x.db');
    insert(2);
    const seen = new Set<string>();
    for (let seed = 1; seed <= 60; seed += 1) seen.add(rowsAfterCrash(seed, mark).join());
    expect([...seen].sort()).toEqual(['1', '1,2']);
  });

  it('does not take older frames for acknowledged ones after the log was started over', () => {
    for (let n = 1; n <= 50; n += 1) insert(n);
    database.pragma('wal_checkpoint(FULL)');
    const mark = markWal(folder, 'x.db');
    insert(51);
    for (let seed = 1; seed <= 20; seed += 1) {
      expect(rowsAfterCrash(seed, mark).length).toBeGreaterThanOrEqual(50);
    }
  });

  it('never cuts what a checkpoint has copied', () => {
    insert(1);
    const mark = markWal(folder, 'x.db');
    insert(2);
    database.pragma('wal_checkpoint(PASSIVE)');
    for (let seed = 1; seed <= 20; seed += 1) expect(rowsAfterCrash(seed, mark)).toEqual([1, 2]);
  });
});

import { chmodSync, closeSync, fsyncSync, openSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Database } from 'better-sqlite3';

/** Makes names written in a directory, or the bytes of one file, survive a power cut. */
export function syncPath(path: string): void {
  const handle = openSync(path, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

/**
 * A private copy of a database, before its format is changed: on disk when this returns. A file that has its name was left
 * by a change that was cut off: the database itself is as it was, so a new copy is as good.
 */
export function copyDatabase(database: Database, copy: string): void {
  rmSync(copy, { force: true });
  database.prepare('VACUUM INTO ?').run(copy);
  chmodSync(copy, 0o600);
  for (const path of [copy, dirname(copy)]) syncPath(path);
}

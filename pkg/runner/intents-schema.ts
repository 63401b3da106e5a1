import type { Database } from 'better-sqlite3';
import { copyDatabase, RiverError } from '../base/index.ts';

/**
 * How the runner's records came to their present shape, in order; entry N brings format N to N + 1. Entries are never
 * changed once released: files out there have run them.
 */
const migrations: readonly string[] = [
  `
  CREATE TABLE intents (uid TEXT PRIMARY KEY, namespace TEXT NOT NULL, name TEXT NOT NULL, acknowledged TEXT, body TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE meta (key TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;
  `,
];

/**
 * Brings the file to the newest format, all in one transaction, after a copy was put beside it as `FILE.format-N` (not for
 * a new file). Raises `Invalid` for one that a newer river has written.
 */
export function migrateIntents(database: Database, file: string, steps = migrations): void {
  const found = Number(database.pragma('user_version', { simple: true }));
  if (found > steps.length)
    throw new RiverError(
      'Invalid',
      `${file} was written by a newer river (format ${found}, this one knows ${steps.length}): install that version, or a newer one, on this machine.`,
    );
  if (found === steps.length) return;
  if (found > 0) copyDatabase(database, `${file}.format-${found}`);
  database.transaction(() => {
    for (const step of steps.slice(found)) database.exec(step);
    database.pragma(`user_version = ${steps.length}`);
  })();
}

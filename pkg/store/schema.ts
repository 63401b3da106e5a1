import { dirname } from 'node:path';
import type { Database } from 'better-sqlite3';
import { copyDatabase, RiverError } from '../base/index.ts';

/**
 * How the file came to its present shape, in order; entry N brings schema N to N + 1. Entries are never
 * changed once released: files out there have run them.
 *
 * - `log` holds every write. `previous` is the version of the live state that it replaced, 0 when there was none.
 * - `current` points at the newest version of each living object.
 * - `lookup` finds living objects by label, owner or node (`active-node`: Runs that have not ended). It has no version, so that a write that leaves
 *   those alone does not touch it.
 */
const migrations: readonly string[] = [
  `
  CREATE TABLE log (
    version INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    namespace TEXT NOT NULL,
    name TEXT NOT NULL,
    deleted INTEGER NOT NULL,
    previous INTEGER NOT NULL,
    json TEXT NOT NULL
  ) STRICT;
  CREATE INDEX log_by_key ON log (kind, namespace, name, version);
  CREATE TABLE current (
    kind TEXT NOT NULL,
    namespace TEXT NOT NULL,
    name TEXT NOT NULL,
    version INTEGER NOT NULL,
    PRIMARY KEY (kind, namespace, name)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE lookup (
    kind TEXT NOT NULL,
    field TEXT NOT NULL,
    value TEXT NOT NULL,
    namespace TEXT NOT NULL,
    name TEXT NOT NULL,
    PRIMARY KEY (kind, field, value, namespace, name)
  ) STRICT, WITHOUT ROWID;
  `,
  `
  INSERT INTO lookup (kind, field, value, namespace, name)
    SELECT c.kind, 'active-node', json_extract(l.json, '$.spec.placement.node'), c.namespace, c.name
    FROM current c JOIN log l ON l.version = c.version
    WHERE c.kind = 'Run' AND json_extract(l.json, '$.spec.placement.node') IS NOT NULL
      AND coalesce(json_extract(l.json, '$.status.phase'), 'Pending') NOT IN ('Succeeded', 'Failed', 'Stopped');
  `,
];

/** What the store knows about itself, one row each. Numbers are kept as text. */
export type MetaKey = 'schema' | 'clusterUid' | 'epoch' | 'floor' | 'compacted';

export function readMeta(database: Database, key: MetaKey): string | undefined {
  const row = database.prepare<[string], { value: string }>('SELECT value FROM meta WHERE key = ?').get(key);
  return row?.value;
}

export const writeMetaSql =
  'INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value';

export function writeMeta(database: Database, key: MetaKey, value: string | number): void {
  database.prepare(writeMetaSql).run(key, String(value));
}

/** 0 for a file that nothing was written to. */
export function schemaVersion(database: Database): number {
  const table = database.prepare("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'meta'").get();
  return table ? Number(readMeta(database, 'schema') ?? 0) : 0;
}

/** Raises `Invalid` when the file was written by a newer river. */
export function refuseNewerSchema(database: Database, place: string, known = migrations.length): void {
  const found = schemaVersion(database);
  if (found <= known) return;
  throw new RiverError(
    'Invalid',
    `${place} was written by a newer river (schema ${found}, this one knows ${known}): install the river that wrote it, or a newer one, or restore a backup.`,
  );
}

/**
 * Brings the file to the newest schema, all in one transaction, after a copy was put beside it as `FILE.schema-N`
 * (not for a new file). Answers the copy's name when one was made.
 */
export function migrate(database: Database, file: string, steps = migrations): string | undefined {
  refuseNewerSchema(database, `State directory ${dirname(file)}`, steps.length);
  const found = schemaVersion(database);
  if (found === steps.length) return undefined;
  const copy = found > 0 ? `${file}.schema-${found}` : undefined;
  if (copy) copyDatabase(database, copy);
  database.transaction(() => {
    database.exec(
      'CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID',
    );
    for (const step of steps.slice(found)) database.exec(step);
    writeMeta(database, 'schema', steps.length);
  })();
  return copy;
}

import type { Database, Statement } from 'better-sqlite3';
import type { ApiObject } from '../api/index.ts';
import { type MetaKey, writeMetaSql } from './schema.ts';
import { type Term, termChanges } from './selection.ts';
import type { StoredRecord } from './types.ts';

type Prepared = Statement<unknown[], unknown>;

/** The statements that change the file. Always inside the transaction of a group commit. */
export class LogWriter {
  readonly #append: Prepared;
  readonly #point: Prepared;
  readonly #unpoint: Prepared;
  readonly #addTerm: Prepared;
  readonly #removeTerm: Prepared;
  readonly #chunkEnd: Statement<unknown[], { version: number }>;
  readonly #dropReplaced: Prepared;
  readonly #dropTombstones: Prepared;
  readonly #writeMeta: Prepared;

  constructor(database: Database) {
    this.#append = database.prepare(
      'INSERT INTO log (version, kind, namespace, name, deleted, previous, json) VALUES (?, ?, ?, ?, ?, ?, ?)',
    );
    this.#point = database.prepare(
      `INSERT INTO current (kind, namespace, name, version) VALUES (?, ?, ?, ?)
       ON CONFLICT (kind, namespace, name) DO UPDATE SET version = excluded.version`,
    );
    this.#unpoint = database.prepare('DELETE FROM current WHERE kind = ? AND namespace = ? AND name = ?');
    this.#addTerm = database.prepare(
      'INSERT INTO lookup (kind, field, value, namespace, name) VALUES (?, ?, ?, ?, ?)',
    );
    this.#removeTerm = database.prepare(
      'DELETE FROM lookup WHERE kind = ? AND field = ? AND value = ? AND namespace = ? AND name = ?',
    );
    this.#chunkEnd = database.prepare(
      'SELECT version FROM log WHERE version > ? AND version <= ? ORDER BY version LIMIT 1 OFFSET ?',
    );
    this.#dropReplaced = database.prepare(
      'DELETE FROM log WHERE version IN (SELECT previous FROM log WHERE version > ? AND version <= ? AND previous > 0)',
    );
    this.#dropTombstones = database.prepare(
      'DELETE FROM log WHERE version > ? AND version <= ? AND deleted = 1',
    );
    this.#writeMeta = database.prepare(writeMetaSql);
  }

  put(record: StoredRecord, previous: StoredRecord | undefined): void {
    const { kind, namespace, name, version } = record;
    this.#append.run(version, kind, namespace, name, 0, previous?.version ?? 0, record.json);
    this.#point.run(kind, namespace, name, version);
    this.#changeTerms(record, previous?.object, record.object);
  }

  delete(tombstone: StoredRecord, previous: StoredRecord): void {
    const { kind, namespace, name, version } = tombstone;
    this.#append.run(version, kind, namespace, name, 1, previous.version, tombstone.json);
    this.#unpoint.run(kind, namespace, name);
    this.#changeTerms(tombstone, previous.object, undefined);
  }

  setFloor(version: number): void {
    this.#setMeta('floor', version);
  }

  /** Last version of the next chunk of at most `size` writes after `from`, not above `to`. */
  chunkEnd(from: number, to: number, size: number): number {
    return this.#chunkEnd.get(from, to, size - 1)?.version ?? to;
  }

  /**
   * Forgets what the writes in (from, to] replaced, then those of them that are deletions. Chunks run in
   * ascending order, so that a deletion never goes before the states it ended.
   */
  compactChunk(from: number, to: number): void {
    this.#dropReplaced.run(from, to);
    this.#dropTombstones.run(from, to);
    this.#setMeta('compacted', to);
  }

  #setMeta(key: MetaKey, value: number): void {
    this.#writeMeta.run(key, String(value));
  }

  #changeTerms(record: StoredRecord, before: ApiObject | undefined, after: ApiObject | undefined): void {
    const { kind, namespace, name } = record;
    const { added, removed } = termChanges(before, after);
    const change = (statement: Prepared, terms: Term[]) => {
      for (const { field, value } of terms) statement.run(kind, field, value, namespace, name);
    };
    change(this.#removeTerm, removed);
    change(this.#addTerm, added);
  }
}

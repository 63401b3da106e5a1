import type { Database, Statement } from 'better-sqlite3';
import type { Kind } from '../api/index.ts';
import { RiverError } from '../base/index.ts';
import { LazyRecord } from './record.ts';
import { hasTerms, type Selection, type Term, termsWanted } from './selection.ts';
import type { StoredRecord, StoreEvent } from './types.ts';

interface Row {
  version: number;
  kind: Kind;
  namespace: string;
  name: string;
  json: string;
}

interface LogRow extends Row {
  deleted: number;
  previous: number;
}

export interface Position {
  namespace: string;
  name: string;
}

/** SQLite joins at most 64 tables; selectors of more terms than this are finished by looking at the objects. */
const joinedTerms = 8;

/** Some records in order, and where to go on; `next` is missing at the end. */
export interface Slice {
  records: StoredRecord[];
  next?: Position;
}

export interface EventPage {
  events: StoreEvent[];
  position: number;
  end: boolean;
}

/** Reading from one connection. Every call is one short statement: an open iterator would hold the write-ahead log. */
export class Queries {
  readonly #database: Database;
  readonly #statements = new Map<string, Statement<unknown[], unknown>>();

  constructor(database: Database) {
    this.#database = database;
  }

  /** 0 for an empty log. */
  newestLogged(): number {
    return (
      this.#prepare<{ newest: number }>('SELECT coalesce(max(version), 0) AS newest FROM log').get()
        ?.newest ?? 0
    );
  }

  current(kind: Kind, namespace: string, name: string): StoredRecord | undefined {
    const row = this.#prepare<Row>(
      `SELECT l.version, l.kind, l.namespace, l.name, l.json FROM current c JOIN log l ON l.version = c.version
       WHERE c.kind = ? AND c.namespace = ? AND c.name = ?`,
    ).get(kind, namespace, name);
    return row && record(row);
  }

  count(kind: Kind, namespace: string | undefined, after: Position): number {
    const place = placeCondition('c', namespace, after);
    const sql = `SELECT count(*) AS amount FROM current c WHERE c.kind = ? AND ${place.sql}`;
    return this.#prepare<{ amount: number }>(sql).get(kind, ...place.values)?.amount ?? 0;
  }

  /** From at most `limit` objects of the newest state that the indexes find, those that match. */
  newest(kind: Kind, selection: Selection, after: Position | undefined, limit: number): Slice {
    const wanted = termsWanted(selection);
    const terms = wanted.slice(0, joinedTerms);
    const place = placeCondition(terms.length > 0 ? 't0' : 'c', selection.namespace, after);
    const sql = newestSql(terms, place.sql);
    const termValues = terms.flatMap(({ field, value }) => [kind, field, value]);
    const rows = this.#prepare<Row>(sql).all(...termValues, kind, ...place.values, limit);
    const next = rows.length === limit ? last(rows) : undefined;
    const records = rows.map(record);
    if (wanted.length === terms.length) return { records, next };
    return { records: records.filter((each) => hasTerms(each.object, wanted)), next };
  }

  /** From at most `limit` objects' states at `version`, those that match: the indexes know the newest state only. */
  history(
    kind: Kind,
    version: number,
    selection: Selection,
    after: Position | undefined,
    limit: number,
  ): Slice {
    const place = placeCondition('h', selection.namespace, after);
    // Versions alone come from the index; fetching the texts in the same statement would sort them.
    const heads = this.#prepare<{ version: number }>(
      `SELECT max(h.version) AS version FROM log h INDEXED BY log_by_key
       WHERE h.kind = ? AND ${place.sql} AND h.version <= ?
       GROUP BY h.namespace, h.name ORDER BY h.namespace, h.name LIMIT ?`,
    ).all(kind, ...place.values, version, limit);
    const rows = heads.map((head) => this.#logged(head.version));
    const wanted = termsWanted(selection);
    const living = rows.filter((row) => row.deleted === 0).map(record);
    const records = living.filter((each) => hasTerms(each.object, wanted));
    return { records, next: rows.length === limit ? last(rows) : undefined };
  }

  /**
   * What happened to `kind` (all kinds when left out) in the `limit` writes after `version`; the last version
   * looked at; and whether that is the end of the log.
   */
  events(kind: Kind | undefined, version: number, limit: number): EventPage {
    const heads = this.#prepare<{ version: number; kind: Kind }>(
      'SELECT version, kind FROM log WHERE version > ? ORDER BY version LIMIT ?',
    ).all(version, limit);
    const wanted = heads.filter((head) => kind === undefined || head.kind === kind);
    return {
      events: wanted.map((head) => this.#event(head.version)),
      position: heads.at(-1)?.version ?? version,
      end: heads.length < limit,
    };
  }

  #event(version: number): StoreEvent {
    const row = this.#logged(version);
    const before = row.previous > 0 ? this.#logged(row.previous) : undefined;
    const type = row.deleted ? 'DELETED' : before ? 'MODIFIED' : 'ADDED';
    return { type, record: record(row), previous: before && record(before) };
  }

  #logged(version: number): LogRow {
    const sql = 'SELECT version, kind, namespace, name, deleted, previous, json FROM log WHERE version = ?';
    const row = this.#prepare<LogRow>(sql).get(version);
    if (!row) throw new RiverError('InternalError', `Version ${version} is missing in the store's log.`);
    return row;
  }

  #prepare<R>(sql: string): Statement<unknown[], R> {
    let statement = this.#statements.get(sql);
    if (!statement) {
      statement = this.#database.prepare<unknown[], unknown>(sql);
      this.#statements.set(sql, statement);
    }
    return statement as Statement<unknown[], R>;
  }
}

function record(row: Row): StoredRecord {
  return new LazyRecord(row.kind, row.namespace, row.name, row.version, row.json);
}

function last(rows: Row[]): Position | undefined {
  const row = rows.at(-1);
  return row && { namespace: row.namespace, name: row.name };
}

function placeCondition(
  table: string,
  namespace: string | undefined,
  after: Position | undefined,
): { sql: string; values: string[] } {
  if (namespace !== undefined) {
    return { sql: `${table}.namespace = ? AND ${table}.name > ?`, values: [namespace, after?.name ?? ''] };
  }
  return {
    sql: `(${table}.namespace, ${table}.name) > (?, ?)`,
    values: [after?.namespace ?? '', after?.name ?? ''],
  };
}

/** The first term drives (its rows lie in the order of the answer), the others are looked up; CROSS JOIN keeps that order of loops. */
function newestSql(terms: Term[], place: string): string {
  const tables = terms.map((_, index) => {
    const same = index === 0 ? '' : ` AND t${index}.namespace = t0.namespace AND t${index}.name = t0.name`;
    return {
      table: `lookup t${index}`,
      condition: `t${index}.kind = ? AND t${index}.field = ? AND t${index}.value = ?${same}`,
    };
  });
  const driver = terms.length > 0 ? 't0' : 'c';
  const join = terms.length > 0 ? ' AND c.namespace = t0.namespace AND c.name = t0.name' : '';
  tables.push({ table: 'current c', condition: `c.kind = ?${join} AND ${place}` });
  return `SELECT l.version, l.kind, l.namespace, l.name, l.json
    FROM ${tables.map(({ table }) => table).join(' CROSS JOIN ')} CROSS JOIN log l
    WHERE ${tables.map(({ condition }) => condition).join(' AND ')} AND l.version = c.version
    ORDER BY ${driver}.namespace, ${driver}.name LIMIT ?`;
}

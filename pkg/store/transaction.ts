import { type ApiObject, type Kind, resources } from '../api/index.ts';
import { type ErrorCode, RiverError } from '../base/index.ts';
import { type CurrentReader, Draft } from './draft.ts';
import type { LogWriter } from './log-writer.ts';
import type { Queries } from './queries.ts';
import { recordOf } from './record.ts';
import type { Selection } from './selection.ts';
import type { StoredRecord, StoreEvent, Transaction } from './types.ts';

/** Slice size for reading all of a selection without one huge answer of the database. */
const sliceSize = 1000;

type Known = (record: StoredRecord) => StoredRecord;

/** One caller's part of a group commit. Knows what it wrote, so that it can be published after the commit. */
export class SqliteTransaction implements Transaction {
  readonly events: StoreEvent[] = [];
  /** Version of the last write, this transaction's included. */
  version: number;
  /** A write that the database refused half way: nothing of this commit may stay, also when `work` swallows the error. */
  failure: unknown;
  readonly #known: Known;
  readonly #queries: Queries;
  readonly #writer: LogWriter;
  readonly #draft: Draft;
  #over = false;

  /** `below`: what is there before its first write. `known`: the same record, parsed before if that was so. */
  constructor(queries: Queries, writer: LogWriter, below: CurrentReader, known: Known, version: number) {
    this.#known = known;
    this.#queries = queries;
    this.#writer = writer;
    this.#draft = new Draft(below);
    this.version = version;
  }

  get(kind: Kind, namespace: string, name: string): StoredRecord | undefined {
    this.#refuseWhenOver();
    return this.#draft.get(kind, namespace, name);
  }

  list(kind: Kind, selection: Selection = {}): StoredRecord[] {
    this.#refuseWhenOver();
    const records: StoredRecord[] = [];
    let slice = this.#queries.newest(kind, selection, undefined, sliceSize);
    records.push(...slice.records);
    while (slice.next) {
      slice = this.#queries.newest(kind, selection, slice.next, sliceSize);
      records.push(...slice.records);
    }
    return records.map(this.#known);
  }

  put(object: ApiObject, expect?: number): StoredRecord {
    this.#refuseWhenOver();
    const record = recordOf(object, this.version + 1);
    const previous = this.#draft.get(record.kind, record.namespace, record.name);
    if (expect === 0 && previous) {
      throw refusal(
        'AlreadyExists',
        record.kind,
        record.name,
        'already exists: change it, or choose another name',
      );
    }
    if (expect) refuseStale(record.kind, record.name, previous, expect);
    this.#write(() => this.#writer.put(record, previous), {
      type: previous ? 'MODIFIED' : 'ADDED',
      record,
      previous,
    });
    return record;
  }

  delete(kind: Kind, namespace: string, name: string, expect?: number): StoredRecord {
    this.#refuseWhenOver();
    const previous = this.#draft.get(kind, namespace, name);
    if (!previous) throw refusal('NotFound', kind, name, 'not found');
    if (expect !== undefined) refuseStale(kind, name, previous, expect);
    const tombstone = recordOf(previous.object, this.version + 1);
    this.#write(() => this.#writer.delete(tombstone, previous), {
      type: 'DELETED',
      record: tombstone,
      previous,
    });
    return tombstone;
  }

  /** After this every call is refused: `work` must not keep the transaction. */
  end(): void {
    this.#over = true;
  }

  #write(change: () => void, event: StoreEvent): void {
    try {
      change();
    } catch (error) {
      this.failure = error;
      throw error;
    }
    this.version = event.record.version;
    this.events.push(event);
    this.#draft.add(event);
  }

  #refuseWhenOver(): void {
    if (this.#over)
      throw new RiverError('InternalError', 'A transaction was used after its work had returned.');
  }
}

function refuseStale(kind: Kind, name: string, found: StoredRecord | undefined, expect: number): void {
  if (found?.version === expect) return;
  const now = found ? `is at version ${found.version} now` : 'is gone now';
  throw refusal('Conflict', kind, name, `${now}, not at ${expect}: read it again and decide again`);
}

function refusal(code: ErrorCode, kind: Kind, name: string, finding: string): RiverError {
  const { plural } = resources[kind];
  return new RiverError(code, `${plural}.river.dev "${name}" ${finding}.`, { kind: plural, name });
}

import type { ApiObject, Identity, Kind, Node, Run } from '../api/index.ts';
import { type Clock, RiverError } from '../base/index.ts';
import type { ListOptions } from '../client/index.ts';
import type { ListPage, Store, StoredRecord } from '../store/index.ts';
import { authorize, isVisible } from './authorize.ts';
import type { LeaseTable } from './leases.ts';
import { type Selection, selectionOf } from './selection.ts';
import { notFound } from './writes/refusals.ts';

/** One object, as text and parsed; a stored one is parsed only when it is looked at. */
export interface Row {
  readonly json: string;
  readonly object: ApiObject;
}

export interface RowPage {
  rows: Row[];
  /** The version that the list shows. */
  version: number;
  next?: string;
  remaining?: number;
}

/** So long is a turn of the event loop at most. */
const pageSize = 250;
/** Of the first page, when nothing is known yet of how large the objects are. */
const firstPageSize = 20;
/** Characters of JSON that a page should have: what a reader who does not read costs in memory. */
const pageLength = 512 * 1024;

export class Reads {
  readonly #store: Store;
  readonly #leases: LeaseTable;
  readonly #clock: Clock;

  constructor(store: Store, leases: LeaseTable, clock: Clock) {
    this.#store = store;
    this.#leases = leases;
    this.#clock = clock;
  }

  get(identity: Identity, kind: Kind, namespace: string, name: string): Row {
    authorize(identity, 'read', kind);
    const record = this.#store.get(kind, namespace, name);
    if (!record || (identity.role === 'node' && !isVisible(identity, record.object)))
      throw notFound(kind, name);
    return this.view(record);
  }

  /**
   * The list in pages that all show one state, with a pause of one turn between them so that other requests are served
   * meanwhile. With `limit`: they end after so many rows, and the last one says where to go on.
   */
  async *pages(identity: Identity, kind: Kind, options: ListOptions): AsyncGenerator<RowPage> {
    authorize(identity, 'read', kind);
    const selection = selectionOf(identity, kind, options);
    let left = checkLimit(options.limit) ?? Number.POSITIVE_INFINITY;
    let continueFrom = options.continue || undefined;
    let size = firstPageSize;
    for (;;) {
      const page = await this.#page(kind, selection, Math.min(size, left), continueFrom);
      yield page;
      left -= page.rows.length;
      if (left === 0 || page.next === undefined) return;
      continueFrom = page.next;
      size = sizeAfter(page);
      await new Promise<void>((resolve) => this.#clock.nextTurn(resolve));
    }
  }

  /** As people see it: a Node and a Run with their live values. */
  view(record: StoredRecord): Row {
    if (record.kind === 'Node') return shown(record, this.#leases.withLiveValues(record.object as Node));
    if (record.kind !== 'Run' || !mayRun(record)) return record;
    return shown(record, this.#leases.withSample(record.object as Run));
  }

  /**
   * At least one row, unless there is none left. What has to be looked at is read in larger pieces than are wanted, so
   * that a rare match costs no turn for each object before it.
   */
  async #page(kind: Kind, selection: Selection, limit: number, from: string | undefined): Promise<RowPage> {
    const { index, filter } = selection;
    if (!filter) return this.#pageOf(await this.#store.list(kind, { ...index, limit, continueFrom: from }));
    for (let continueFrom = from; ; ) {
      const start = { ...index, continueFrom };
      const page = await this.#store.list(kind, { ...start, limit: Math.max(limit, pageSize) });
      const isWanted = page.records.map((record) => filter(record.object));
      const cut = positionOf(isWanted, limit);
      // Once more up to the last one wanted: the page then ends there, and so does its token.
      const ending =
        cut === undefined || cut + 1 === page.records.length
          ? page
          : await this.#store.list(kind, { ...start, limit: cut + 1, atVersion: page.version });
      const records = ending.records.filter((_record, position) => isWanted[position]);
      if (records.length > 0 || ending.next === undefined)
        return this.#pageOf({ ...ending, records, remaining: undefined });
      continueFrom = ending.next;
      await new Promise<void>((resolve) => this.#clock.nextTurn(resolve));
    }
  }

  #pageOf({ records, version, next, remaining }: ListPage): RowPage {
    return { rows: records.map((record) => this.view(record)), version, next, remaining };
  }
}

/** Rows of the next page: as many as will have the length of a page, when they are like those of this one. */
function sizeAfter({ rows }: RowPage): number {
  const length = rows.reduce((sum, row) => sum + row.json.length, 0);
  return Math.max(1, Math.min(pageSize, Math.floor((pageLength * rows.length) / Math.max(1, length))));
}

/** Where the `count`th true one stands; undefined when there are fewer. */
function positionOf(isWanted: readonly boolean[], count: number): number | undefined {
  let found = 0;
  for (const [position, wanted] of isWanted.entries()) if (wanted && ++found === count) return position;
  return undefined;
}

function shown(record: StoredRecord, object: ApiObject): Row {
  return object === record.object ? record : rowOf(object);
}

/** Told by the text alone: a long list of what has ended is not parsed. Inside of a string the quotes would be escaped. */
function mayRun({ json }: StoredRecord): boolean {
  return /"phase":"(?:Running|Paused)"/.test(json);
}

export function rowOf(object: ApiObject): Row {
  return { json: JSON.stringify(object), object };
}

function checkLimit(limit: number | undefined): number | undefined {
  if (limit === undefined || limit === 0) return undefined;
  if (Number.isSafeInteger(limit) && limit > 0) return limit;
  throw new RiverError('BadRequest', `limit must be a whole number above 0, not ${limit}`);
}

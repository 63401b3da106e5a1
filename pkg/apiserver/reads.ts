import type { ApiObject, Identity, Kind, Node } from '../api/index.ts';
import { type Clock, RiverError } from '../base/index.ts';
import type { ListOptions } from '../client/index.ts';
import type { Store, StoredRecord } from '../store/index.ts';
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

/** Pages of a list without a limit: so long is a turn of the event loop at most. */
const pageSize = 250;

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
   * The list in pages that all show one state. With `limit`: one page of at most so many; else as many as there
   * are, with a pause of one turn between them so that other requests are served meanwhile.
   */
  async *pages(identity: Identity, kind: Kind, options: ListOptions): AsyncGenerator<RowPage> {
    authorize(identity, 'read', kind);
    const selection = selectionOf(identity, kind, options);
    const limit = checkLimit(options.limit);
    let continueFrom = options.continue || undefined;
    for (;;) {
      const page = await this.#page(kind, selection, limit ?? pageSize, continueFrom);
      yield page;
      if (limit !== undefined || page.next === undefined) return;
      continueFrom = page.next;
      await new Promise<void>((resolve) => this.#clock.nextTurn(resolve));
    }
  }

  /** As people see it: a Node with its live values. */
  view(record: StoredRecord): Row {
    if (record.kind !== 'Node') return record;
    const object = this.#leases.withLiveValues(record.object as Node);
    return object === record.object ? record : rowOf(object);
  }

  async #page(kind: Kind, selection: Selection, limit: number, from: string | undefined): Promise<RowPage> {
    let continueFrom = from;
    for (;;) {
      const page = await this.#store.list(kind, { ...selection.index, limit, continueFrom });
      const { filter } = selection;
      const found = filter ? page.records.filter((record) => filter(record.object)) : page.records;
      if (found.length === 0 && page.next !== undefined) {
        continueFrom = page.next;
        continue;
      }
      const rows = found.map((record) => this.view(record));
      return { rows, version: page.version, next: page.next, remaining: filter ? undefined : page.remaining };
    }
  }
}

export function rowOf(object: ApiObject): Row {
  return { json: JSON.stringify(object), object };
}

function checkLimit(limit: number | undefined): number | undefined {
  if (limit === undefined || limit === 0) return undefined;
  if (Number.isSafeInteger(limit) && limit > 0) return limit;
  throw new RiverError('BadRequest', `limit must be a whole number above 0, not ${limit}`);
}

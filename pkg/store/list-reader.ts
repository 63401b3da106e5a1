import type { Kind } from '../api/index.ts';
import { type Clock, RiverError } from '../base/index.ts';
import { decodeToken, encodeToken } from './continue-token.ts';
import type { KeptLists } from './kept-lists.ts';
import type { Pins } from './pins.ts';
import type { Position, Queries, Slice } from './queries.ts';
import type { RecordCache } from './record-cache.ts';
import type { ListOptions, ListPage, StoredRecord } from './types.ts';

/** Objects read in one event-loop turn; other requests run between. */
const turnSize = 500;

export interface ListReaderOptions {
  clock: Clock;
  queries: Queries;
  pins: Pins;
  kept: KeptLists;
  cache: RecordCache;
  version(): number;
  floor(): number;
  /** Raises when the store has been closed meanwhile. */
  refuseWhenClosed(): void;
}

/** Lists of any length without holding the event loop or the database, all at one version. */
export class ListReader {
  readonly #options: ListReaderOptions;

  constructor(options: ListReaderOptions) {
    this.#options = options;
  }

  async list(kind: Kind, options: ListOptions): Promise<ListPage> {
    const token = options.continueFrom === undefined ? undefined : decodeToken(options.continueFrom);
    const version = token?.version ?? options.atVersion ?? this.#options.version();
    refuseUnknownVersion(version, this.#options.floor(), this.#options.version());
    const { kept, pins } = this.#options;
    const whole =
      version === this.#options.version() && !token && options.namespace === undefined && !hasTerms(options);
    const known = whole ? kept.get(kind) : undefined;
    if (known && known.length <= limitOf(options)) return { records: [...known], version };
    const writes = kept.writes(kind);
    const unpin = pins.add(() => version);
    try {
      const page = await this.#read(kind, options, version, token?.position);
      if (whole && page.next === undefined) kept.keep(kind, writes, page.records);
      return page;
    } finally {
      unpin();
    }
  }

  async #read(
    kind: Kind,
    options: ListOptions,
    version: number,
    start: Position | undefined,
  ): Promise<ListPage> {
    const limit = limitOf(options);
    const records: StoredRecord[] = [];
    let position = start;
    for (;;) {
      const slice = this.#slice(kind, options, version, position, Math.min(turnSize, limit - records.length));
      for (const record of slice.records) records.push(this.#options.cache.known(record));
      position = slice.next;
      if (!position) return { records, version };
      if (records.length >= limit) break;
      await new Promise<void>((resolve) => this.#options.clock.nextTurn(resolve));
      this.#options.refuseWhenClosed();
    }
    const remaining = this.#remaining(kind, options, version, position);
    if (remaining === 0) return { records, version };
    return { records, version, next: encodeToken({ version, position }), remaining };
  }

  #slice(
    kind: Kind,
    options: ListOptions,
    version: number,
    after: Position | undefined,
    limit: number,
  ): Slice {
    const { queries } = this.#options;
    if (version === this.#options.version()) return queries.newest(kind, options, after, limit);
    return queries.history(kind, version, options, after, limit);
  }

  /** Known only where an index counts: the newest state without selectors. */
  #remaining(kind: Kind, options: ListOptions, version: number, after: Position): number | undefined {
    if (hasTerms(options) || version !== this.#options.version()) return undefined;
    return this.#options.queries.count(kind, options.namespace, after);
  }
}

function limitOf({ limit }: ListOptions): number {
  return limit || Number.POSITIVE_INFINITY;
}

/** Answered by the index of what objects can be found by. */
function hasTerms({ labels, ownerUid, node }: ListOptions): boolean {
  return labels !== undefined || ownerUid !== undefined || node !== undefined;
}

/** Raises `Expired`, which tells the caller to list afresh, for what is forgotten and for what never was. */
export function refuseUnknownVersion(version: number, floor: number, newest: number): void {
  if (version < floor) {
    throw new RiverError(
      'Expired',
      `Version ${version} has been compacted away (oldest is ${floor}): list again.`,
    );
  }
  if (version > newest) {
    throw new RiverError(
      'Expired',
      `Version ${version} is not known here (newest is ${newest}): list again.`,
    );
  }
}

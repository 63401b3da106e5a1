import type { ApiObject, Identity, Kind } from '../api/index.ts';
import { RiverError } from '../base/index.ts';
import type { WatchOptions } from '../client/index.ts';
import type { Store, StoredRecord, StoreEvent, StoreEventType } from '../store/index.ts';
import { authorize } from './authorize.ts';
import type { MetricsCounter } from './metrics.ts';
import { type Reads, type Row, rowOf } from './reads.ts';
import { type Selection, selectionOf } from './selection.ts';

export interface RowWatchHandler {
  event(type: StoreEventType, row: Row): void;
  /** `initial`: the state at the start has been sent. */
  bookmark?(version: number, initial: boolean): void;
  closed(error: Error): void;
  /** Awaited after each object of the initial state: lets a slow reader catch up. */
  ready?(): Promise<void>;
}

export class Watches {
  readonly #store: Store;
  readonly #reads: Reads;
  readonly #metrics: MetricsCounter;

  constructor(store: Store, reads: Reads, metrics: MetricsCounter) {
    this.#store = store;
    this.#reads = reads;
    this.#metrics = metrics;
  }

  /**
   * Raises at once what is wrong with the request (`BadRequest`, `Forbidden`, `Expired`); later ends come as `closed`.
   * An object that leaves the selection is DELETED for this watcher, one that enters it is ADDED.
   */
  watch(identity: Identity, kind: Kind, options: WatchOptions, handler: RowWatchHandler): { close(): void } {
    authorize(identity, 'read', kind);
    const selection = selectionOf(identity, kind, options);
    const open = new OpenWatch(this.#store, this.#reads, kind, selection, handler);
    const version = parseVersion(options.resourceVersion);
    if (version > 0) open.follow(version);
    else void open.startFromNow(this.#reads.pages(identity, kind, options));
    this.#metrics.watches++;
    return {
      close: () => {
        if (open.close()) this.#metrics.watches--;
      },
    };
  }
}

class OpenWatch {
  readonly #store: Store;
  readonly #reads: Reads;
  readonly #kind: Kind;
  readonly #selection: Selection;
  readonly #handler: RowWatchHandler;
  #stream: { close(): void } | undefined;
  #closed = false;

  constructor(store: Store, reads: Reads, kind: Kind, selection: Selection, handler: RowWatchHandler) {
    this.#store = store;
    this.#reads = reads;
    this.#kind = kind;
    this.#selection = selection;
    this.#handler = handler;
  }

  async startFromNow(pages: AsyncIterable<{ rows: Row[]; version: number }>): Promise<void> {
    try {
      let version = 0;
      for await (const page of pages) {
        version = page.version;
        for (const row of page.rows) {
          if (this.#closed) return;
          this.#handler.event('ADDED', row);
          await this.#handler.ready?.();
        }
      }
      if (this.#closed) return;
      this.#handler.bookmark?.(version, true);
      if (!this.#closed) this.follow(version);
    } catch (error) {
      if (!this.#closed) this.#handler.closed(error as Error);
    }
  }

  follow(version: number): void {
    const stream = this.#store.watch(this.#kind, version, {
      event: (event) => this.#event(event),
      progress: (reached) => {
        if (!this.#closed) this.#handler.bookmark?.(reached, false);
      },
      closed: (error) => {
        if (!this.#closed) this.#handler.closed(error);
      },
    });
    if (this.#closed) stream.close();
    else this.#stream = stream;
  }

  /** False when it was closed before. */
  close(): boolean {
    if (this.#closed) return false;
    this.#closed = true;
    this.#stream?.close();
    return true;
  }

  #event(event: StoreEvent): void {
    if (this.#closed) return;
    const seen = this.#asSeen(event);
    if (seen) this.#handler.event(seen.type, seen.row);
    // What others do must not leave its version behind: it would be too old after a break.
    else this.#handler.bookmark?.(event.record.version, false);
  }

  /** What this watcher is told of the event; undefined when it never sees the object. */
  #asSeen({ type, record, previous }: StoreEvent): { type: StoreEventType; row: Row } | undefined {
    const { matches } = this.#selection;
    const before = previous ? matches(previous.object) : type === 'DELETED' && matches(record.object);
    if (type === 'DELETED') return before ? { type, row: record } : undefined;
    if (matches(record.object)) return { type: before ? 'MODIFIED' : 'ADDED', row: this.#reads.view(record) };
    return before && previous
      ? { type: 'DELETED', row: rowOf(atVersionOf(previous.object, record)) }
      : undefined;
  }
}

/** The last state that the watcher could see, at the version of the change that took it out of sight. */
function atVersionOf(object: ApiObject, record: StoredRecord): ApiObject {
  return { ...object, metadata: { ...object.metadata, resourceVersion: String(record.version) } };
}

function parseVersion(text: string | undefined): number {
  if (text === undefined || text === '') return 0;
  const version = Number(text);
  if (Number.isSafeInteger(version) && version >= 0) return version;
  throw new RiverError(
    'BadRequest',
    `resourceVersion must be a number that a list or an object carried, not ${JSON.stringify(text.slice(0, 40))}`,
  );
}

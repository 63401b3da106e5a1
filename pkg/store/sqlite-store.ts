import type { Kind } from '../api/index.ts';
import { type Clock, type Logger, RiverError, type Rng } from '../base/index.ts';
import { writeBackup } from './backup.ts';
import { type Connections, diskError, openConnections } from './database.ts';
import {
  type DirectoryLock,
  type FilesystemReader,
  kernelFilesystemReader,
  lockDirectory,
  prepareDirectory,
} from './directory.ts';
import { GroupCommit } from './group-commit.ts';
import { KeptLists } from './kept-lists.ts';
import { ListReader, refuseUnknownVersion } from './list-reader.ts';
import { LogWriter } from './log-writer.ts';
import { Pins } from './pins.ts';
import { Queries } from './queries.ts';
import { RecordCache } from './record-cache.ts';
import { readMeta } from './schema.ts';
import type {
  ListOptions,
  ListPage,
  Store,
  StoredRecord,
  StoreEvent,
  StoreWatchHandler,
  Transaction,
} from './types.ts';
import { WatchHub } from './watch-hub.ts';

export interface SqliteStoreOptions {
  /** State directory, on a local disk; made where it is missing. */
  directory: string;
  clock: Clock;
  rng: Rng;
  logger: Logger;
  /** Characters of JSON kept in memory for `get`. Default 8 Mi. */
  cacheSize?: number;
  /** The file grows to at most this many pages of 4,096 bytes; a write beyond meets a full disk. Default: no limit. */
  maxPages?: number;
  /** Pages in the write-ahead log from which on a commit moves it into the file. Default 1,000, as in SQLite. */
  checkpointPages?: number;
  filesystem?: FilesystemReader;
}

/** Log entries compacted in one commit: some milliseconds. */
const compactionSize = 250;

/** Entries read at once when the log is compared with what was published. */
const recoverySize = 500;

/**
 * Opens or makes the store of a state directory and locks that. Raises `Conflict` when another process has it,
 * `Invalid` for a network file system or a newer schema, `InternalError` when the file is damaged, `Forbidden` when the
 * directory cannot be written, `ServiceUnavailable` when its disk is full.
 */
export function openSqliteStore(options: SqliteStoreOptions): SqliteStore {
  const lock = takeDirectory(options);
  try {
    return new SqliteStore(options, lock, openConnections(options));
  } catch (error) {
    lock.release();
    throw error;
  }
}

function takeDirectory({ directory, filesystem }: SqliteStoreOptions): DirectoryLock {
  try {
    prepareDirectory(directory, filesystem ?? kernelFilesystemReader);
    return lockDirectory(directory);
  } catch (error) {
    throw diskError(error, directory);
  }
}

/** The store of one host, in one SQLite file. All of it is synchronous but for taking turns through the clock. */
export class SqliteStore implements Store {
  readonly clusterUid: string;
  readonly epoch: string;
  readonly #lock: DirectoryLock;
  readonly #connections: Connections;
  readonly #queries: Queries;
  readonly #writer: LogWriter;
  readonly #commits: GroupCommit;
  readonly #lists: ListReader;
  readonly #watches: WatchHub;
  readonly #cache: RecordCache;
  readonly #pins = new Pins();
  readonly #kept = new KeptLists();
  readonly #clock: Clock;
  readonly #backups = new Set<Promise<void>>();
  /** Newest committed version, and all that is on disk up to it was published. */
  #version: number;
  #floor: number;
  #compacted: number;
  #compaction: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(options: SqliteStoreOptions, lock: DirectoryLock, connections: Connections) {
    const { clock, logger, directory } = options;
    const { writer, reader } = connections;
    this.#lock = lock;
    this.#connections = connections;
    this.#clock = clock;
    this.clusterUid = String(readMeta(reader, 'clusterUid'));
    this.epoch = String(readMeta(reader, 'epoch'));
    this.#floor = Number(readMeta(reader, 'floor'));
    this.#compacted = Number(readMeta(reader, 'compacted'));
    this.#queries = new Queries(reader);
    this.#version = Math.max(this.#queries.newestLogged(), this.#floor);
    this.#cache = new RecordCache(options.cacheSize ?? 8 * 1024 * 1024);
    this.#writer = new LogWriter(writer);
    const version = () => this.#version;
    const shared = { clock, queries: this.#queries, pins: this.#pins, version };
    this.#watches = new WatchHub({ ...shared, logger });
    const refuseWhenClosed = () => this.#refuseWhenClosed();
    this.#lists = new ListReader({
      ...shared,
      kept: this.#kept,
      cache: this.#cache,
      floor: () => this.#floor,
      refuseWhenClosed,
    });
    this.#commits = new GroupCommit(writer, {
      directory,
      clock,
      writer: this.#writer,
      version,
      current: (queries, kind, namespace, name) => this.#current(queries, kind, namespace, name),
      known: (record) => this.#cache.known(record),
      committed: (events) => this.#publish(events),
      recovered: () => this.#catchUp(),
    });
  }

  version(): number {
    return this.#version;
  }

  floor(): number {
    return this.#floor;
  }

  get(kind: Kind, namespace: string, name: string): StoredRecord | undefined {
    this.#refuseWhenClosed();
    return this.#current(this.#queries, kind, namespace, name);
  }

  async list(kind: Kind, options: ListOptions = {}): Promise<ListPage> {
    this.#refuseWhenClosed();
    return this.#lists.list(kind, options);
  }

  async transact<T>(work: (transaction: Transaction) => T): Promise<T> {
    this.#refuseWhenClosed();
    return this.#commits.submit(work);
  }

  watch(kind: Kind, fromVersion: number, handler: StoreWatchHandler): { close(): void } {
    this.#refuseWhenClosed();
    refuseUnknownVersion(fromVersion, this.#floor, this.#version);
    return this.#watches.watch(kind, fromVersion, handler);
  }

  compact(version: number): Promise<void> {
    const result = this.#compaction.then(() => this.#compactTo(Math.min(version, this.#version)));
    this.#compaction = result.catch(() => {});
    return result;
  }

  async backup(file: string): Promise<void> {
    this.#refuseWhenClosed();
    const work = writeBackup(this.#connections.writer, file);
    this.#backups.add(work);
    try {
      await work;
    } finally {
      this.#backups.delete(work);
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#commits.drain();
    this.#closed = true;
    this.#watches.closeAll(closedError());
    await Promise.allSettled(this.#backups);
    this.#connections.reader.close();
    // The last connection: moves the write-ahead log into the file and removes it.
    this.#connections.writer.close();
    this.#lock.release();
  }

  /**
   * Ends as a killed process does: what is queued never resolves, watchers hear nothing, the write-ahead log
   * stays as it is. For the simulator and for tests of crashes.
   */
  abandon(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#commits.stop();
    this.#watches.closeAll();
    // In this order the last connection cannot write, and so leaves the write-ahead log alone.
    this.#connections.writer.close();
    this.#connections.reader.close();
    this.#lock.release();
  }

  #current(queries: Queries, kind: Kind, namespace: string, name: string): StoredRecord | undefined {
    const cached = this.#cache.get(kind, namespace, name);
    if (cached) return cached;
    const found = queries.current(kind, namespace, name);
    if (found) this.#cache.set(found);
    return found;
  }

  #publish(events: StoreEvent[]): void {
    for (const { type, record } of events) {
      this.#version = record.version;
      this.#kept.written(record.kind);
      if (type === 'DELETED') this.#cache.delete(record.kind, record.namespace, record.name);
      else this.#cache.set(record);
    }
    this.#watches.publish(events);
  }

  /** After a failed commit: publishes what is on disk after all. */
  #catchUp(): void {
    this.#cache.clear();
    for (;;) {
      const page = this.#queries.events(undefined, this.#version, recoverySize);
      if (page.events.length > 0) this.#publish(page.events);
      if (page.end) return;
    }
  }

  async #compactTo(target: number): Promise<void> {
    this.#refuseWhenClosed();
    if (target > this.#floor) {
      await this.#commits.submit(() => this.#writer.setFloor(target));
      this.#floor = target;
    }
    while (this.#compacted < this.#floor) {
      const from = this.#compacted;
      const to = this.#writer.chunkEnd(from, this.#floor, compactionSize);
      // What reads under way still need goes when they are done; new ones cannot start below the floor.
      while (this.#pins.lowest() < to) {
        await new Promise<void>((resolve) => this.#clock.nextTurn(resolve));
        this.#refuseWhenClosed();
      }
      await this.#commits.submit(() => this.#writer.compactChunk(from, to));
      this.#compacted = to;
      this.#refuseWhenClosed();
    }
  }

  #refuseWhenClosed(): void {
    if (this.#closed) throw closedError();
  }
}

function closedError(): RiverError {
  return new RiverError(
    'ServiceUnavailable',
    'The store is closing: try again when the host has started again.',
  );
}

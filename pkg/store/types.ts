import type { ApiObject, Kind } from '../api/index.ts';

/**
 * The contract of every store; `test/contract/store.ts` checks it. One log of all writes, one global version
 * that grows by at least one with each of them, and these promises:
 *
 * 1. A resolved `transact` is on disk. A rejected one changed nothing.
 * 2. All of a transaction's writes are there, or none; its reads see every write before it and its own.
 * 3. A watch delivers every write after its start version, in order, once, after it is on disk.
 * 4. A list at a version is exactly the state at that version.
 * 5. Below the compaction floor, and above the newest version, `list` and `watch` raise `Expired`: list afresh.
 *    What was started before the floor rose is finished from the state it was started on.
 */
export interface Store {
  /** Made with the store, never changes, not even by a restore: marks everything that this cluster makes on nodes. */
  readonly clusterUid: string;
  /** A new one at first start and after each restore from a backup. */
  readonly epoch: string;
  /** Version of the newest committed write. */
  version(): number;
  /** Lowest version that `list` and `watch` still know. */
  floor(): number;

  get(kind: Kind, namespace: string, name: string): StoredRecord | undefined;
  /**
   * Ordered by namespace, name. A long list takes several event-loop turns; all of it shows one version. Raises
   * `Expired` when the version asked for is not known, `BadRequest` for a `continueFrom` that no list answered.
   */
  list(kind: Kind, options?: ListOptions): Promise<ListPage>;

  /**
   * Runs `work` at the end of the current event-loop turn in one durable commit with all others of that turn.
   * `work` must be synchronous and free of side effects: a store may call it again (compare-and-set over a
   * network); what it keeps of the transaction is refused afterwards. What it throws undoes its own writes only and rejects only its own promise. Raises
   * `ServiceUnavailable`, for all transactions of that turn, when the disk is full, and when the store is closing.
   */
  transact<T>(work: (transaction: Transaction) => T): Promise<T>;

  /**
   * Every write to `kind` with a version above `fromVersion`, old ones first, then live ones, without a gap.
   * The handler is called synchronously after the commit, never before `watch` has returned, and may open and
   * close watches. A handler that throws has its watch ended.
   * Raises `Expired` at once when `fromVersion` is below the floor or above the newest version.
   */
  watch(kind: Kind, fromVersion: number, handler: StoreWatchHandler): { close(): void };

  /**
   * Forgets all versions that were replaced before `version` (deleted objects included); the floor becomes
   * `version`, or the newest one when that is lower. Never lowers the floor. Resolves when the room is free.
   */
  compact(version: number): Promise<void>;
  /** A consistent copy of the whole store as one file, while writes go on. Raises `AlreadyExists` for an existing file. */
  backup(file: string): Promise<void>;
  /** Waits for the writes under way, then closes; later calls raise `ServiceUnavailable`. */
  close(): Promise<void>;
}

/** One version of an object. `object` is parsed on first use; both are shared and must not be changed. */
export interface StoredRecord {
  readonly kind: Kind;
  readonly namespace: string;
  readonly name: string;
  readonly version: number;
  /** The object as JSON, with `metadata.resourceVersion` = version: ready for the wire. */
  readonly json: string;
  readonly object: ApiObject;
}

export interface ListOptions {
  /** Only this namespace; left out: all. */
  namespace?: string;
  /** All of these labels, exactly; answered from an index. Other requirements are the caller's. */
  labels?: Record<string, string>;
  /** Objects with an ownerReference of this uid; answered from an index. */
  ownerUid?: string;
  /** Runs with this `spec.placement.node`; answered from an index. */
  node?: string;
  /** With `node`: only those that have not ended; answered from an index, however many have. */
  active?: boolean;
  /** At most this many; the answer's `next` continues. */
  limit?: number;
  /** `next` of the page before. Carries the version: all pages show one state. */
  continueFrom?: string;
  /** The state at this version, in place of the newest. */
  atVersion?: number;
}

export interface ListPage {
  records: StoredRecord[];
  /** The version that this list shows. */
  version: number;
  next?: string;
  /** How many are left after this page, when known. */
  remaining?: number;
}

export interface Transaction {
  get(kind: Kind, namespace: string, name: string): StoredRecord | undefined;
  /** As `Store.list` at the newest version with this transaction's own writes; no pages. */
  list(
    kind: Kind,
    options?: Pick<ListOptions, 'namespace' | 'labels' | 'ownerUid' | 'node' | 'active'>,
  ): StoredRecord[];
  /**
   * Creates or replaces. `expect` is the version that must be there now: 0 = must not exist (`AlreadyExists`),
   * a number = exactly that one (`Conflict`), left out = whatever is there. Sets `metadata.resourceVersion`;
   * everything else (uid, generation, times) is the caller's.
   */
  put(object: ApiObject, expect?: number): StoredRecord;
  /** Raises `NotFound`, or `Conflict` when `expect` is not what is there. Answers the last state, with the deletion's version. */
  delete(kind: Kind, namespace: string, name: string, expect?: number): StoredRecord;
}

export type StoreEventType = 'ADDED' | 'MODIFIED' | 'DELETED';

export interface StoreEvent {
  type: StoreEventType;
  /** For DELETED the last state, with the version of the deletion. */
  record: StoredRecord;
  /** The state before; for selectors: an object that leaves a selection is DELETED for that watcher. */
  previous?: StoredRecord;
}

export interface StoreWatchHandler {
  event(event: StoreEvent): void;
  /** Everything up to `version` has been delivered: once after the replay, and after commits that did not touch the kind (not necessarily each). */
  progress?(version: number): void;
  /** The watch has ended by itself (store closed, handler failed); not called after `close()`. */
  closed(error: Error): void;
}

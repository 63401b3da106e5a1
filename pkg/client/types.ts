import type { ApiObject, Kind, ObjectOf } from '../api/index.ts';
import type { Heartbeat, HeartbeatAnswer } from './heartbeats.ts';

/**
 * The one way to the API, for CLI, runner, controllers and scheduler: over HTTP, or in the host's own process.
 * All methods raise `RiverError`; transient ones (`ServiceUnavailable`, `Timeout`, `TooManyRequests`) may be
 * tried again. Objects are shared: never change them in place.
 */
export interface Client extends Reader, Writer, Watcher {}

export interface Reader {
  /** `namespace` is '' for cluster kinds. Raises `NotFound`. */
  get<K extends Kind>(kind: K, namespace: string, name: string): Promise<ObjectOf<K>>;
  list<K extends Kind>(kind: K, options?: ListOptions): Promise<ObjectList<ObjectOf<K>>>;
  /** Output of a Run. Ends when the Run has ended and all is sent, or at once without `follow`. */
  logs(namespace: string, run: string, options: LogOptions): AsyncIterable<Uint8Array>;
  version(): Promise<ServerVersion>;
}

export interface Writer {
  create<K extends Kind>(kind: K, object: ObjectOf<K>, options?: WriteOptions): Promise<ObjectOf<K>>;
  /** Replaces all but status. With `metadata.resourceVersion`: raises `Conflict` when the object has changed. */
  update<K extends Kind>(kind: K, object: ObjectOf<K>, options?: WriteOptions): Promise<ObjectOf<K>>;
  /**
   * RFC 7386 merge patch. `metadata.uid` and `metadata.resourceVersion` in it are preconditions (`Conflict`).
   * `subresource: 'status'` changes status only; there, `conditions` are merged by type.
   */
  patch<K extends Kind>(
    kind: K,
    namespace: string,
    name: string,
    patch: Record<string, unknown>,
    options?: WriteOptions & { subresource?: 'status' },
  ): Promise<ObjectOf<K>>;
  /** Server-side apply. Raises `Conflict` with causes of reason FieldManagerConflict, unless `force`. */
  apply(object: ApiObject, options: ApplyOptions): Promise<ApplyResult>;
  delete<K extends Kind>(
    kind: K,
    namespace: string,
    name: string,
    options?: DeleteOptions,
  ): Promise<ObjectOf<K>>;
  /** `POST runs/NAME/binding`: re-checks `fits()` in the transaction. Raises `Conflict` when it does not fit any more. */
  bind(namespace: string, run: string, binding: Binding): Promise<ObjectOf<'Run'>>;
  /** Extends the node's lease. Raises `Conflict` for a session that is not the node's current one, `NotFound` without a Node. */
  heartbeat(node: string, heartbeat: Heartbeat): Promise<HeartbeatAnswer>;
}

export interface Watcher {
  /**
   * Every change after `resourceVersion` (0 or left out: the present state first, as ADDED). After `closed` nothing
   * more comes; `Expired` there means: list again.
   */
  watch<K extends Kind>(
    kind: K,
    options: WatchOptions,
    handler: WatchHandler<ObjectOf<K>>,
  ): { close(): void };
}

export interface SelectorOptions {
  /** Left out: all namespaces. */
  namespace?: string;
  /** As in kubectl -l: `a=b,c!=d,e in (f,g),!h`. */
  labelSelector?: string;
  /** `path=value` or `path!=value`, comma-separated: metadata.name, metadata.namespace, spec.placement.node, spec.task, status.phase, involvedObject.{kind,namespace,name,uid}, reason, type. */
  fieldSelector?: string;
}

export interface ListOptions extends SelectorOptions {
  limit?: number;
  continue?: string;
}

export interface ObjectList<T> {
  items: T[];
  /** Watch from here. */
  resourceVersion: string;
  continue?: string;
  remainingItemCount?: number;
}

export interface WriteOptions {
  dryRun?: boolean;
  fieldManager?: string;
}

export interface ApplyOptions extends WriteOptions {
  fieldManager: string;
  force?: boolean;
}

export interface ApplyResult {
  object: ApiObject;
  /** What the write did. */
  outcome: 'created' | 'configured' | 'unchanged';
  /** What whoever wrote it should know, though nothing is wrong with it: sentences that begin with a field. */
  warnings?: string[];
}

export interface DeleteOptions {
  uid?: string;
  resourceVersion?: string;
  dryRun?: boolean;
}

export interface Binding {
  node: string;
  /** Uid of the Run that was looked at. */
  uid: string;
}

export interface WatchOptions extends SelectorOptions {
  resourceVersion?: string;
}

export interface WatchEvent<T> {
  type: 'ADDED' | 'MODIFIED' | 'DELETED';
  object: T;
}

export interface WatchHandler<T> {
  event(event: WatchEvent<T>): void;
  /** Everything up to this version has been delivered. */
  bookmark?(resourceVersion: string): void;
  /** Ended by the other side or by an error; not called after `close()`. */
  closed(error?: Error): void;
}

export interface LogOptions {
  stream: 'stdout' | 'stderr';
  follow?: boolean;
  /** Bytes to skip. */
  offset?: number;
  /** Only the last so many lines. */
  tailLines?: number;
  /** Called once, before the first bytes, with the offset where they start: with `tailLines`, what to go on from after a broken stream. */
  startsAt?: (offset: number, build?: string) => void;
  signal?: AbortSignal;
}

export interface ServerVersion {
  gitVersion: string;
  epoch?: string;
  clusterUid?: string;
  /** What people should know of the host itself, each a sentence. */
  warnings?: string[];
}

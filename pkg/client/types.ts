import type { ApiObject, Kind, NodeStatus, ObjectOf } from '../api/index.ts';
import type { ShellProcess, ShellRequest } from '../shell/index.ts';

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

export interface Heartbeat {
  session: string;
  usage?: NodeStatus['usage'];
  /** How often each has happened since the runner's process started, by names in lower case with underscores. */
  counters?: Readonly<Record<string, number>>;
}

export interface HeartbeatAnswer {
  /** Length of the lease, milliseconds: the runner beats at a third of it. */
  leaseMs: number;
  /** Epoch of the store; another one than before means that the host was restored from a backup. */
  epoch: string;
  clusterUid: string;
  /** RFC 3339: what the host's clock shows. Left out by an older host. */
  time?: string;
  /** Of the program that the host is, as in `0.1.0`; left out by the first ones. */
  version?: string;
  /** Whether Node's condition Ready is True: if not, the runner writes its status again. */
  ready: boolean;
  /** Where the runner opens its tunnel; left out by a host that takes none. */
  gateway?: GatewayAddress;
  /** The environments as they are now: a node knows no others than these and those of its Runs. */
  environments?: CurrentEnvironment[];
}

export interface CurrentEnvironment {
  name: string;
  digest: string;
  /** Nodes load it before anything needs it. */
  prefetch: boolean;
}

/** The host's end of the tunnels, on the machine that serves the API. */
export interface GatewayAddress {
  port: number;
  /** `ssh-ed25519 AAAA…`: the only key that the host shows there. */
  publicKey: string;
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

/** Tarballs of environments, as the host has them; for nodes and admins, and only over HTTP. */
export interface EnvironmentFiles {
  /** Raises `NotFound` when the host has none of this digest. */
  environmentIndex(name: string, digest: string): Promise<unknown>;
  /**
   * As they come; ends after so many bytes. Raises `ServiceUnavailable` for a connection that breaks off or on which
   * nothing comes: the caller goes on at the byte that it has reached.
   */
  environmentBytes(
    name: string,
    digest: string,
    range: { offset: number; size: number },
    signal: AbortSignal,
  ): AsyncIterable<Uint8Array>;
}

/** What people do with an Environment beside its manifest; for admins, and only over HTTP. */
export interface EnvironmentActions {
  /** The digest is in use until the manifest changes. Raises `NotFound` when it is not kept any more. */
  rollBack(name: string, digest: string): Promise<ObjectOf<'Environment'>>;
  /**
   * Asks for the state of its working container as the next digest. It is done when `status.request` of the answer is not
   * there any more: then `status.history` has an entry with its id, or the condition Committed says why not.
   */
  commit(name: string, message?: string): Promise<ObjectOf<'Environment'>>;
  /** Asks to throw away what is in its working container. It is done when `status.request` is not there any more. */
  discard(name: string): Promise<ObjectOf<'Environment'>>;
  /** Output of the last build; with `follow` until it has ended. Raises `NotFound` when there was none. */
  buildLog(name: string, options: BuildLogOptions): AsyncIterable<Uint8Array>;
  /**
   * A program in the container that an interactive Environment keeps. Raises `NotFound`, or `Conflict` when there is no
   * such container now; what is wrong with the program itself is raised by its `exitCode`. Cut off when the signal aborts.
   */
  openShell(name: string, request: ShellRequest, signal?: AbortSignal): Promise<ShellProcess>;
}

/** `startsAt` is also told which build it is. */
export interface BuildLogOptions extends Omit<LogOptions, 'stream'> {
  /** The build that `offset` is of: of any other one all comes. */
  build?: string;
}

/** What `copy` steps of Environments take, under the sha256 of its bytes; for admins, and only over HTTP. */
export interface FileUploads {
  uploadState(sha256: string): Promise<UploadState>;
  /** Of at most 8 MiB, at or before the byte where the host is. With `last` the host checks the hash: `Invalid`. */
  uploadPart(sha256: string, offset: number, bytes: Uint8Array, last: boolean): Promise<UploadState>;
}

export interface UploadState {
  /** Bytes that the host has. */
  size: number;
  /** All of them, and they have the hash. */
  complete: boolean;
}

/** How a machine becomes a node; only over HTTP. */
export interface Joining {
  /** For admins. Raises `Invalid` for a name that no node can have. */
  createJoinToken(node: string, options: JoinTokenOptions): Promise<JoinToken>;
  /** For admins: the machine that has the name is shut out. Raises `NotFound` when none has. */
  revokeNode(node: string): Promise<void>;
  /** For anybody with a token. Raises `Unauthorized` for a wrong, used or expired one, `AlreadyExists` for a taken name. */
  join(node: string, request: JoinRequest): Promise<JoinAnswer>;
}

export interface JoinTokenOptions {
  /** As in `30m`. Default one hour. */
  expires?: string;
  /** It may take the name from the machine that has it. */
  replace?: boolean;
}

export interface JoinToken {
  token: string;
  /** RFC 3339. */
  expiresAt: string;
}

export interface JoinRequest {
  token: string;
  /** Ed25519, SPKI in DER, base64. */
  publicKey: string;
  /** By that key, over the token, base64. */
  signature: string;
}

export interface JoinAnswer {
  /** For the key, PEM. */
  certificate: string;
  /** Of the authority, PEM. */
  ca: string;
}

import type { ApiObject, Identity, Kind } from '../api/index.ts';
import type * as client from '../client/index.ts';
import type { LogStream } from '../logs/index.ts';
import { Heartbeats } from './heartbeats.ts';
import { type Leases, LeaseTable } from './leases.ts';
import { openLog } from './logs/open-log.ts';
import { MetricsCounter, type ServiceMetrics } from './metrics.ts';
import type { ApiServiceOptions } from './options.ts';
import { applyJsonPatch } from './patches/json-patch.ts';
import { mergePatch } from './patches/merge-patch.ts';
import { Reads, type Row, type RowPage } from './reads.ts';
import { HostVitals } from './vitals.ts';
import { type RowWatchHandler, Watches } from './watches.ts';
import { addressed, namespaceOf } from './writes/address.ts';
import { applyObject } from './writes/apply.ts';
import { bindRun } from './writes/bind.ts';
import { ChargeReader } from './writes/charges.ts';
import { createObject } from './writes/create.ts';
import { deleteObject } from './writes/delete.ts';
import { type AskedOfEnvironment, requestOfEnvironment } from './writes/environment-request.ts';
import { type KeptTarball, rollBack } from './writes/roll-back.ts';
import { WriteSession, type Written } from './writes/session.ts';
import { patchStatus, replaceStatus } from './writes/status.ts';
import { patchObject, updateObject } from './writes/update.ts';
import { Warnings } from './writes/warnings.ts';

type Write = client.WriteOptions;

/**
 * The whole meaning of the API, without any transport: who may do what, defaults, checks, field owners, the Run
 * table, finalizers. Every write is one synchronous piece of work inside one transaction of the store; what it
 * answers is on disk. All methods raise `RiverError`.
 */
export class ApiService {
  readonly options: ApiServiceOptions;
  readonly #leases: LeaseTable;
  readonly #metrics = new MetricsCounter();
  readonly #charges = new ChargeReader();
  readonly #warnings: Warnings;
  readonly #reads: Reads;
  readonly #watches: Watches;
  readonly #heartbeats: Heartbeats;
  readonly #vitals: HostVitals;

  constructor(options: ApiServiceOptions) {
    const { store, clock } = options;
    this.options = options;
    this.#warnings = new Warnings(clock);
    this.#leases = new LeaseTable(clock, options.leaseMs);
    this.#reads = new Reads(store, this.#leases, clock);
    this.#watches = new Watches(store, this.#reads, this.#metrics);
    this.#vitals = new HostVitals(options);
    this.#heartbeats = new Heartbeats(options, this.#leases, this.#metrics, this.#vitals);
  }

  get leases(): Leases {
    return this.#leases;
  }

  get vitals(): Pick<HostVitals, 'noRoom' | 'space' | 'clockJumps'> {
    return this.#vitals;
  }

  get metrics(): ServiceMetrics {
    return this.#metrics;
  }

  get(identity: Identity, kind: Kind, namespace: string, name: string): Row {
    return this.#reads.get(identity, kind, namespaceOf(kind, namespace), name);
  }

  /** See `Reads.pages`: raw JSON where nothing has to be looked at. */
  pages(identity: Identity, kind: Kind, options: client.ListOptions): AsyncGenerator<RowPage> {
    return this.#reads.pages(identity, kind, options);
  }

  watch(
    identity: Identity,
    kind: Kind,
    options: client.WatchOptions,
    handler: RowWatchHandler,
  ): { close(): void } {
    return this.#watches.watch(identity, kind, options, handler);
  }

  create(identity: Identity, kind: Kind, object: ApiObject, write: Write = {}): Promise<Written> {
    return this.#change(identity, write, (session) => createObject(session, kind, addressed(kind, object)));
  }

  update(identity: Identity, kind: Kind, object: ApiObject, write: Write = {}): Promise<Written> {
    return this.#change(identity, write, (session) => updateObject(session, kind, addressed(kind, object)));
  }

  replaceStatus(identity: Identity, kind: Kind, object: ApiObject, write: Write = {}): Promise<Written> {
    return this.#status(identity, kind, object.metadata.name ?? '', write, (session) =>
      replaceStatus(session, kind, addressed(kind, object)),
    );
  }

  /** RFC 7386. */
  patch(
    identity: Identity,
    kind: Kind,
    namespace: string,
    name: string,
    patch: Record<string, unknown>,
    write: Write = {},
  ): Promise<Written> {
    const change = (object: ApiObject) => mergePatch(object, patch) as ApiObject;
    return this.#change(identity, write, (session) =>
      patchObject(session, kind, namespaceOf(kind, namespace), name, change),
    );
  }

  /** RFC 7386, status only; conditions merge by type. */
  patchStatus(
    identity: Identity,
    kind: Kind,
    namespace: string,
    name: string,
    patch: Record<string, unknown>,
    write: Write = {},
  ): Promise<Written> {
    return this.#status(identity, kind, name, write, (session) =>
      patchStatus(session, kind, namespaceOf(kind, namespace), name, patch),
    );
  }

  /** RFC 6902. */
  jsonPatch(
    identity: Identity,
    kind: Kind,
    namespace: string,
    name: string,
    operations: unknown,
    write: Write = {},
  ): Promise<Written> {
    const change = (object: ApiObject) => applyJsonPatch(object, operations);
    return this.#change(identity, write, (session) =>
      patchObject(session, kind, namespaceOf(kind, namespace), name, change),
    );
  }

  apply(identity: Identity, kind: Kind, config: ApiObject, options: client.ApplyOptions): Promise<Written> {
    return this.#change(identity, options, (session) =>
      applyObject(session, kind, addressed(kind, config), options),
    );
  }

  async delete(
    identity: Identity,
    kind: Kind,
    namespace: string,
    name: string,
    options: client.DeleteOptions = {},
  ): Promise<Written> {
    const written = await this.#write(identity, options, (session) =>
      deleteObject(session, kind, namespaceOf(kind, namespace), name, options),
    );
    if (kind === 'Node' && !options.dryRun && written.outcome === 'deleted') this.#leases.forget(name);
    return written;
  }

  bind(
    identity: Identity,
    namespace: string,
    run: string,
    binding: client.Binding,
    write: Write = {},
  ): Promise<Written> {
    return this.#write(identity, write, (session) =>
      bindRun(session, this.#charges, namespaceOf('Run', namespace), run, binding),
    );
  }

  rollBack(identity: Identity, environment: string, kept: KeptTarball): Promise<Written> {
    return this.#write(identity, {}, (session) => rollBack(session, environment, kept));
  }

  requestOfEnvironment(identity: Identity, environment: string, asked: AskedOfEnvironment): Promise<Written> {
    return this.#write(identity, {}, (session) => requestOfEnvironment(session, environment, asked));
  }

  heartbeat(identity: Identity, node: string, heartbeat: client.Heartbeat): Promise<client.HeartbeatAnswer> {
    return this.#heartbeats.beat(identity, node, heartbeat);
  }

  openLog(
    identity: Identity,
    namespace: string,
    run: string,
    options: client.LogOptions,
  ): Promise<LogStream> {
    return openLog(this.options.store, this.options.logReader, identity, namespace, run, options);
  }

  version(): client.ServerVersion {
    const { store, version } = this.options;
    const { noRoom } = this.#vitals;
    return {
      gitVersion: `v${version}+river`,
      epoch: store.epoch,
      clusterUid: store.clusterUid,
      ...(noRoom === undefined ? {} : { warnings: [noRoom] }),
    };
  }

  /** A status that a node writes about itself is a sign of life as good as a heartbeat. */
  async #status(
    identity: Identity,
    kind: Kind,
    name: string,
    write: Write,
    work: (session: WriteSession) => Written,
  ): Promise<Written> {
    const written = await this.#write(identity, write, work);
    if (kind === 'Node' && identity.role === 'node' && !write.dryRun) this.#leases.beat(name);
    return written;
  }

  /** Of what people write. */
  #change(identity: Identity, write: Write, work: (session: WriteSession) => Written): Promise<Written> {
    return this.#write(identity, write, (session) =>
      this.#warnings.added(session.transaction, work(session)),
    );
  }

  #write(identity: Identity, write: Write, work: (session: WriteSession) => Written): Promise<Written> {
    const watched = { metrics: this.#metrics, vitals: this.#vitals };
    return this.options.store.transact((transaction) =>
      work(new WriteSession(this.options, watched, transaction, identity, write)),
    );
  }
}

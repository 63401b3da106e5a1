import {
  apiVersion,
  type Environment,
  type Identity,
  isConditionTrue,
  type Node,
  refuseInvalid,
  validateObject,
} from '../api/index.ts';
import { timestamp } from '../base/index.ts';
import type { CurrentEnvironment, GatewayAddress, Heartbeat, HeartbeatAnswer } from '../client/index.ts';
import type { Store } from '../store/index.ts';
import { authorize, authorizeOwnNode } from './authorize.ts';
import type { LeaseTable } from './leases.ts';
import type { MetricsCounter } from './metrics.ts';
import type { ApiServiceOptions } from './options.ts';
import type { HostVitals } from './vitals.ts';
import { conflict, notFound } from './writes/refusals.ts';

export class Heartbeats {
  readonly #store: Store;
  readonly #leases: LeaseTable;
  readonly #metrics: MetricsCounter;
  readonly #vitals: HostVitals;
  readonly #options: Pick<ApiServiceOptions, 'version' | 'clock'>;
  readonly #gateway: GatewayAddress | undefined;

  constructor(
    options: Pick<ApiServiceOptions, 'store' | 'version' | 'gateway' | 'clock'>,
    leases: LeaseTable,
    metrics: MetricsCounter,
    vitals: HostVitals,
  ) {
    this.#options = options;
    this.#store = options.store;
    this.#leases = leases;
    this.#metrics = metrics;
    this.#vitals = vitals;
    this.#gateway = options.gateway;
  }

  /**
   * Extends the lease in memory. Raises `NotFound` without a Node, `Conflict` for another session than its current one,
   * `Invalid` for values that are none: they are shown to everybody who reads the Node.
   */
  async beat(
    identity: Identity,
    name: string,
    { session, usage, counters }: Heartbeat,
  ): Promise<HeartbeatAnswer> {
    authorize(identity, 'heartbeat', 'Node');
    authorizeOwnNode(identity, name);
    const node = this.#store.get('Node', '', name)?.object as Node | undefined;
    if (!node) throw notFound('Node', name);
    if (!session || node.status?.session !== session) {
      this.#metrics.refused('heartbeat');
      throw conflict(
        'Node',
        name,
        'this heartbeat is not from the current session: write the status of the Node first',
      );
    }
    const reported = { apiVersion, kind: 'Node', metadata: { name }, status: { usage } };
    refuseInvalid('Node', name, validateObject('Node', reported, { subresource: 'status' }));
    this.#vitals.look();
    this.#leases.beat(name, { usage, counters });
    return {
      leaseMs: this.#leases.leaseMs,
      epoch: this.#store.epoch,
      clusterUid: this.#store.clusterUid,
      time: timestamp(this.#options.clock.now()),
      version: this.#options.version,
      ready: isConditionTrue(node.status.conditions, 'Ready'),
      environments: await this.#environments(),
      ...(this.#gateway ? { gateway: this.#gateway } : {}),
    };
  }

  /** A node may not read the objects: it is told what there is to load. */
  async #environments(): Promise<CurrentEnvironment[]> {
    const { records } = await this.#store.list('Environment');
    return records.flatMap(({ object }) => {
      const { metadata, spec, status } = object as Environment;
      if (!status?.digest || metadata.deletionTimestamp) return [];
      return [{ name: metadata.name ?? '', digest: status.digest, prefetch: spec.prefetch ?? false }];
    });
  }
}

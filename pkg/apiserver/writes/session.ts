import { type ApiObject, type Identity, type Kind, resources } from '../../api/index.ts';
import { RiverError, timestamp } from '../../base/index.ts';
import type { WriteOptions } from '../../client/index.ts';
import type { StoredRecord, Transaction } from '../../store/index.ts';
import { deepEqual } from '../managed-fields/index.ts';
import type { MetricsCounter } from '../metrics.ts';
import type { ApiServiceOptions } from '../options.ts';
import type { HostVitals } from '../vitals.ts';
import { notFound } from './refusals.ts';

export type Outcome = 'created' | 'configured' | 'unchanged' | 'deleted';

export interface Written {
  object: ApiObject;
  outcome: Outcome;
  /** What whoever wrote it should know, though nothing is wrong with it: sentences that begin with a field. */
  warnings?: string[];
}

/** One write inside one transaction of the store. Synchronous, and free of side effects beside the transaction. */
export class WriteSession {
  readonly identity: Identity;
  readonly options: ApiServiceOptions;
  readonly transaction: Transaction;
  readonly metrics: MetricsCounter;
  readonly #vitals: Pick<HostVitals, 'noRoom'>;
  readonly dryRun: boolean;
  /** The owner of the fields that it changes. */
  readonly manager: string;
  /** RFC 3339; the same for the whole write. */
  readonly now: string;

  constructor(
    options: ApiServiceOptions,
    { metrics, vitals }: { metrics: MetricsCounter; vitals: Pick<HostVitals, 'noRoom'> },
    transaction: Transaction,
    identity: Identity,
    write: WriteOptions,
  ) {
    this.identity = identity;
    this.options = options;
    this.metrics = metrics;
    this.#vitals = vitals;
    this.transaction = transaction;
    this.dryRun = write.dryRun === true;
    this.manager = write.fieldManager || identity.name;
    this.now = timestamp(options.clock.now());
  }

  /** Raises `ServiceUnavailable` while the host has room only for what comes of the work that is there. */
  refuseMore(): void {
    const { noRoom } = this.#vitals;
    if (noRoom === undefined) return;
    this.metrics.refused('room');
    throw new RiverError('ServiceUnavailable', noRoom);
  }

  /** Raises `NotFound`. */
  load(kind: Kind, namespace: string, name: string): StoredRecord {
    const record = this.transaction.get(kind, namespace, name);
    if (!record) throw notFound(kind, name);
    return record;
  }

  insert(object: ApiObject): Written {
    if (this.dryRun) return { object, outcome: 'created' };
    return { object: this.transaction.put(object, 0).object, outcome: 'created' };
  }

  /**
   * Puts `next` in place of `record`. What the host alone sets is taken from the old state; generation grows with
   * spec; an object that waits for its deletion and has no finalizer left is removed; what changes nothing is no write.
   */
  replace(record: StoredRecord, next: ApiObject): Written {
    const old = record.object;
    const object = withSystemFields(old, next);
    if (deepEqual(old, object)) return { object: old, outcome: 'unchanged' };
    if (object.metadata.deletionTimestamp && !object.metadata.finalizers?.length)
      return this.remove(record, object);
    if (this.dryRun) return { object, outcome: 'configured' };
    return { object: this.transaction.put(object, record.version).object, outcome: 'configured' };
  }

  remove(record: StoredRecord, last: ApiObject = record.object): Written {
    if (!this.dryRun) this.transaction.delete(record.kind, record.namespace, record.name, record.version);
    return { object: last, outcome: 'deleted' };
  }
}

function withSystemFields(old: ApiObject, next: ApiObject): ApiObject {
  const { uid, resourceVersion, creationTimestamp, name, namespace, generation = 1 } = old.metadata;
  const grown =
    resources[old.kind as Kind].hasStatus && !deepEqual(old.spec, next.spec) ? generation + 1 : generation;
  const deletionTimestamp = old.metadata.deletionTimestamp ?? next.metadata.deletionTimestamp;
  return {
    ...next,
    metadata: {
      ...next.metadata,
      name,
      namespace,
      uid,
      resourceVersion,
      creationTimestamp,
      deletionTimestamp,
      generation: grown,
    },
  };
}

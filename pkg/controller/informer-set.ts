import type { Kind, ObjectOf } from '../api/index.ts';
import type { Clock, Logger, Rng } from '../base/index.ts';
import type { Client } from '../client/index.ts';
import { Informer } from './informer.ts';

/** What is kept of each object of a kind. */
export type Transforms = { [K in Kind]?: (object: ObjectOf<K>) => ObjectOf<K> };

export interface InformerSetOptions {
  client: Pick<Client, 'list' | 'watch'>;
  clock: Clock;
  rng: Rng;
  logger: Logger;
  transforms?: Transforms;
}

/** One informer a kind, shared by all controllers of a process: one list, one watch, one copy. */
export class InformerSet {
  readonly #options: InformerSetOptions;
  readonly #informers = new Map<
    Kind,
    { informer: unknown; start(): void; stop(): void; synced(): Promise<void>; metrics(): object }
  >();

  constructor(options: InformerSetOptions) {
    this.#options = options;
  }

  /** Only kinds that were asked for before `start` are followed. */
  of<K extends Kind>(kind: K): Informer<K> {
    const present = this.#informers.get(kind);
    if (present) return present.informer as Informer<K>;
    const { transforms, ...shared } = this.#options;
    const informer = new Informer<K>({ ...shared, kind, transform: transforms?.[kind] });
    this.#informers.set(kind, {
      informer,
      start: () => informer.start(),
      stop: () => informer.stop(),
      synced: () => informer.synced(),
      metrics: () => informer.metrics(),
    });
    return informer;
  }

  start(): void {
    for (const informer of this.#informers.values()) informer.start();
  }

  async synced(): Promise<void> {
    await Promise.all([...this.#informers.values()].map((informer) => informer.synced()));
  }

  stop(): void {
    for (const informer of this.#informers.values()) informer.stop();
  }

  metrics(): Record<string, object> {
    return Object.fromEntries([...this.#informers].map(([kind, informer]) => [kind, informer.metrics()]));
  }
}

import type { Event } from '../../api/index.ts';
import { type Clock, hasCode } from '../../base/index.ts';
import type { Client } from '../../client/index.ts';
import { type Controller, forEachLimited, type Result } from '../../controller/index.ts';

export interface EventReaperOptions {
  client: Client;
  clock: Clock;
}

/** As long as Kubernetes keeps Events. */
const keptMs = 3_600_000;
const sweepEveryMs = 300_000;
const pageSize = 200;
const parallelDeletes = 32;

/** Deletes old Events in sweeps, page by page: nobody here needs all of them in a cache. */
export class EventReaper implements Controller {
  readonly name = 'event-reaper';
  readonly #client: Client;
  readonly #clock: Clock;

  constructor({ client, clock }: EventReaperOptions) {
    this.#client = client;
    this.#clock = clock;
  }

  watch(enqueue: (key: string) => void): void {
    enqueue('events');
  }

  async reconcile(): Promise<Result> {
    let next: string | undefined;
    do {
      const page = await this.#client.list('Event', { limit: pageSize, continue: next });
      const old = page.items.filter((event) => this.#isOld(event));
      await forEachLimited(old, parallelDeletes, (event) => this.#delete(event));
      next = page.continue;
    } while (next);
    return { requeueAfterMs: sweepEveryMs };
  }

  #isOld(event: Event): boolean {
    const time = event.lastTimestamp ?? event.metadata.creationTimestamp ?? '';
    // An Event without a readable time is old: nobody can say when it was.
    return !(this.#clock.now() - Date.parse(time) < keptMs);
  }

  async #delete(event: Event): Promise<void> {
    const { namespace = '', name = '', resourceVersion } = event.metadata;
    try {
      await this.#client.delete('Event', namespace, name, { resourceVersion });
    } catch (error) {
      // Gone already, or it has just happened again.
      if (!hasCode(error, 'NotFound', 'Conflict')) throw error;
    }
  }
}

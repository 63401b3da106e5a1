import type { Kind, ObjectOf } from '../../api/index.ts';
import { type Clock, hasCode } from '../../base/index.ts';
import type { Client } from '../../client/index.ts';
import { type Controller, forEachLimited, type Result } from '../../controller/index.ts';

export interface ReaperOptions {
  client: Client;
  clock: Clock;
}

export interface Sweep<K extends Kind> {
  kind: K;
  /** Between two sweeps. */
  everyMs: number;
  isOld(object: ObjectOf<K>, nowMs: number): boolean;
}

const pageSize = 200;
const parallelDeletes = 32;

/** Deletes the old objects of one kind in sweeps, page by page: nobody here needs all of them in a cache. */
export class SweepReaper<K extends Kind> implements Controller {
  readonly name: string;
  readonly #options: ReaperOptions;
  readonly #sweep: Sweep<K>;

  constructor(options: ReaperOptions, sweep: Sweep<K>) {
    this.name = `${sweep.kind.toLowerCase()}-reaper`;
    this.#options = options;
    this.#sweep = sweep;
  }

  watch(enqueue: (key: string) => void): void {
    enqueue('sweep');
  }

  async reconcile(): Promise<Result> {
    const { client, clock } = this.#options;
    const { kind, everyMs, isOld } = this.#sweep;
    const nowMs = clock.now();
    let next: string | undefined;
    do {
      const page = await client.list(kind, { limit: pageSize, continue: next });
      const old = page.items.filter((object) => isOld(object, nowMs));
      await forEachLimited(old, parallelDeletes, (object) => this.#delete(object));
      next = page.continue;
    } while (next);
    return { requeueAfterMs: everyMs };
  }

  async #delete({ metadata }: ObjectOf<K>): Promise<void> {
    const { namespace = '', name = '', uid, resourceVersion } = metadata;
    try {
      await this.#options.client.delete(this.#sweep.kind, namespace, name, { uid, resourceVersion });
    } catch (error) {
      // Gone already, or it has just changed and is not old any more.
      if (!hasCode(error, 'NotFound', 'Conflict')) throw error;
    }
  }
}

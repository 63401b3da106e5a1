import type { Usage } from '../../api/index.ts';
import { type Clock, hasCode } from '../../base/index.ts';
import type { Client } from '../../client/index.ts';
import { type Controller, forEachLimited, type Result } from '../../controller/index.ts';

export interface UsageReaperOptions {
  client: Client;
  clock: Clock;
}

const dayMs = 86_400_000;
/** A year can be compared with the one before. */
const keptDays = 400;
const pageSize = 200;
const parallelDeletes = 32;

/** Deletes entries of the usage ledger that are older than anybody asks for, once a day, page by page. */
export class UsageReaper implements Controller {
  readonly name = 'usage-reaper';
  readonly #client: Client;
  readonly #clock: Clock;

  constructor({ client, clock }: UsageReaperOptions) {
    this.#client = client;
    this.#clock = clock;
  }

  watch(enqueue: (key: string) => void): void {
    enqueue('usage');
  }

  async reconcile(): Promise<Result> {
    const oldestMs = this.#clock.now() - keptDays * dayMs;
    let next: string | undefined;
    do {
      const page = await this.#client.list('Usage', { limit: pageSize, continue: next });
      const old = page.items.filter(({ day }) => !(Date.parse(day) >= oldestMs));
      await forEachLimited(old, parallelDeletes, (entry) => this.#delete(entry));
      next = page.continue;
    } while (next);
    return { requeueAfterMs: dayMs };
  }

  async #delete({ metadata }: Usage): Promise<void> {
    const { namespace = '', name = '', uid } = metadata;
    try {
      await this.#client.delete('Usage', namespace, name, { uid });
    } catch (error) {
      if (!hasCode(error, 'NotFound')) throw error;
    }
  }
}

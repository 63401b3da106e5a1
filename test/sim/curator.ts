import type { Environment } from '../../pkg/api/index.ts';
import { RiverError } from '../../pkg/base/index.ts';
import type { Client } from '../../pkg/client/index.ts';
import type { Incarnation } from './incarnation.ts';
import { between, chance, type World } from './world.ts';

/** What there is in the end; the second is built from the first. */
export const environmentNames = ['tools', 'more-tools'];

/** Who keeps the environments: makes them early on, and changes one now and then. */
export class Curator {
  readonly #world: World;
  readonly #life: Incarnation;
  readonly #client: Client;

  constructor(world: World, life: Incarnation, client: Client) {
    this.#world = world;
    this.#life = life;
    this.#client = client;
  }

  async live(endMs: number): Promise<void> {
    const { rng } = this.#life;
    await this.#life.wait(between(rng, 0, 20_000));
    for (const name of environmentNames) await this.#apply(name, 0);
    for (let change = 1; chance(rng, 0.5); change += 1) {
      await this.#life.wait(between(rng, 8_000, endMs / 2));
      await this.#apply('tools', change);
    }
  }

  async #apply(name: string, change: number): Promise<void> {
    const from = name === 'tools' ? { image: 'busybox' } : { environment: 'tools' };
    const spec = { from, steps: [{ run: `touch /${change}` }], prefetch: change === 1 };
    const environment: Environment = {
      apiVersion: 'river.dev/v1',
      kind: 'Environment',
      metadata: { name },
      spec,
    };
    this.#world.trace('curator', 'applies', `${name} ${change}`);
    for (;;) {
      try {
        await this.#client.apply(environment, { fieldManager: 'river' });
        return;
      } catch (error) {
        if (!(error instanceof RiverError && error.transient)) throw error;
        await this.#life.wait(3_000);
      }
    }
  }
}

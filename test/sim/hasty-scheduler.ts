import type { Run } from '../../pkg/api/index.ts';
import type { SimHost } from './host.ts';
import type { SimNetwork } from './network.ts';
import type { SimNode } from './node.ts';
import { between, chance, pick, type World } from './world.ts';

export interface HastyParts {
  host: SimHost;
  nodes: readonly SimNode[];
  network: SimNetwork;
}

/**
 * A scheduler that looks at nothing and binds whatever waits to any node, as one with a very old cache would: what
 * keeps nodes from being charged twice is the check inside of the binding, not the caution of whoever asks for it.
 */
export class HastyScheduler {
  readonly #world: World;
  readonly #parts: HastyParts;

  constructor(world: World, parts: HastyParts) {
    this.#world = world;
    this.#parts = parts;
  }

  begin(endMs: number): void {
    const delayMs = between(this.#world.rng, 0, 30_000);
    if (this.#world.time + delayMs > endMs) return;
    this.#world.after(undefined, delayMs, () => {
      this.begin(endMs);
      void this.#bindAll();
    });
  }

  async #bindAll(): Promise<void> {
    const { host, nodes, network } = this.#parts;
    const { endpoint } = network;
    if (!host.up || !endpoint?.incarnation.alive) return;
    const client = endpoint.client({ role: 'controller', name: 'scheduler' });
    const node = pick(this.#world.rng, nodes).name;
    for (const { object } of (await host.store.list('Run')).records) {
      const { metadata, status } = object as Run;
      const { namespace = '', name = '', uid = '' } = metadata;
      // Mostly what waits; sometimes what was bound, or has ended, long ago.
      if (status?.phase !== 'Pending' && !chance(this.#world.rng, 0.1)) continue;
      client.bind(namespace, name, { node, uid }).catch((error: Error) => {
        this.#world.count('binding: refused to who did not look');
        this.#world.trace('hasty', 'refused', `${name} on ${node}: ${error.message}`);
      });
    }
  }
}

import type Docker from 'dockerode';
import { unless } from '../../engine/index.ts';
import { chainIds } from '../../environment/index.ts';

/**
 * Which layers the engine has, from the images that it has, intermediate ones too. What an image is made of never
 * changes, so each is asked about once.
 */
export class Layers {
  readonly #engine: Docker;
  readonly #chains = new Map<string, string[]>();

  constructor(engine: Docker) {
    this.#engine = engine;
  }

  /** Their chain IDs. */
  async present(): Promise<Set<string>> {
    const images = await this.#engine.listImages({ all: true });
    const ids = new Set(images.map(({ Id }) => Id));
    for (const id of this.#chains.keys()) if (!ids.has(id)) this.#chains.delete(id);
    const chains: string[] = [];
    for (const id of ids) chains.push(...(await this.#chainsOf(id)));
    return new Set(chains);
  }

  async #chainsOf(id: string): Promise<string[]> {
    const known = this.#chains.get(id);
    if (known) return known;
    const info = await unless([404], this.#engine.getImage(id).inspect());
    if (!info) return [];
    const chain = chainIds(info.RootFS?.Layers ?? []);
    this.#chains.set(id, chain);
    return chain;
  }
}

import { RiverError } from '../../pkg/base/index.ts';
import type { TarballIndex } from '../../pkg/environment/index.ts';
import type { ImageStore, LoadOptions } from '../../pkg/executor/index.ts';
import type { EnvironmentParts } from '../../pkg/runner/index.ts';
import type { Incarnation } from './incarnation.ts';
import type { Link, SimNetwork } from './network.ts';
import { between, chance, type World } from './world.ts';

/** Long enough for a few loads, short enough that what is unused goes before the end. */
const keepUnusedMs = 45_000;
const tarballBytes = 10;

/** What a runner asked the engine to do fails, now and then. */
export type ImageFault = (life: Incarnation) => boolean;

/** The images of one machine, which outlive its runners. */
export class SimImages {
  readonly #world: World;
  readonly #name: string;
  readonly #digests = new Set<string>();
  /** Whether a container is made of it. */
  isUsed: (digest: string) => boolean = () => false;

  constructor(world: World, name: string) {
    this.#world = world;
    this.#name = name;
  }

  get all(): ReadonlySet<string> {
    return this.#digests;
  }

  /** Somebody tidies up, while it may just have been found. */
  vanish(): void {
    const [digest] = [...this.#digests].filter((each) => !this.isUsed(each));
    if (digest === undefined) return;
    this.#digests.delete(digest);
    this.#world.trace(this.#name, 'loses an image', digest.slice(0, 19));
    this.#world.count('engine: loses the image of an environment');
  }

  /** A container that is made now. */
  check(image: string): void {
    if (!image.startsWith('sha256:') || this.#digests.has(image)) return;
    this.#world.count('engine: the image of a start is gone');
    const causes = [{ field: 'spec.image', reason: 'ImageGone', message: 'no such image' }];
    throw new RiverError('ServiceUnavailable', `the image ${image} is gone`, { causes });
  }

  /** In the hands of one runner. */
  seenBy(life: Incarnation, fails: ImageFault): ImageStore {
    const away = () => new RiverError('ServiceUnavailable', 'the simulated engine does not answer');
    const ask = async <T>(work: () => T): Promise<T> => {
      await life.wait(between(life.rng, 0, 20));
      if (fails(life)) throw away();
      return work();
    };
    return {
      probe: async () => ({ ready: true, reason: 'LoadsMissingLayers', message: 'It does.' }),
      find: (_name, digest) => ask(() => (this.#digests.has(digest) ? digest : undefined)),
      freeBytes: async () => undefined,
      load: async (image, source, options) => {
        await this.#read(life, source.read({ offset: 0, size: tarballBytes }, options.signal), options);
        if (fails(life)) throw away();
        this.#digests.add(image.digest);
        this.#world.trace(this.#name, 'loads', image.digest.slice(0, 19));
        this.#world.count('engine: loads an environment');
        return { bytes: tarballBytes, totalBytes: tarballBytes, layers: 1, totalLayers: 1 };
      },
      remove: (_name, digest) =>
        ask(() => {
          if (this.isUsed(digest)) return 'inUse';
          this.#digests.delete(digest);
          this.#world.trace(this.#name, 'removes', digest.slice(0, 19));
          this.#world.count('engine: removes an environment');
          return 'removed';
        }),
    };
  }

  /** Mostly soon there, sometimes long on its way. */
  async #read(life: Incarnation, bytes: AsyncIterable<Uint8Array>, options: LoadOptions): Promise<void> {
    const { signal, onProgress } = options;
    for await (const chunk of bytes) {
      onProgress({ bytes: chunk.length, totalBytes: tarballBytes, layers: 0, totalLayers: 1 });
      await life.wait(chance(life.rng, 0.7) ? between(life.rng, 10, 500) : between(life.rng, 500, 20_000));
      signal.throwIfAborted();
    }
  }
}

/** What a runner needs to bring environments to its machine: the images there, and the tarballs of the host. */
export function environmentParts(
  images: SimImages,
  network: SimNetwork,
  link: Link,
  fails: ImageFault,
): EnvironmentParts {
  return {
    store: images.seenBy(link.owner, fails),
    host: {
      index: ({ name, digest }) =>
        network.call(link, `environment ${name}`, async () => indexOf(name, digest)),
      bytes: ({ name }) => ({
        async *read({ size }) {
          yield new Uint8Array(await network.call(link, `bytes of ${name}`, async () => size));
        },
      }),
    },
    settings: { keepUnusedMs, minFreeBytes: 0 },
  };
}

function indexOf(name: string, digest: string): TarballIndex {
  return {
    ...{ name, digest, size: tarballBytes, builtAt: '2026-01-01T00:00:00Z', configPath: 'c.json' },
    spec: { from: { image: 'busybox' } },
    entries: [{ path: 'c.json', offset: 0, size: 1 }],
    layers: [],
  };
}

import type { NodeImage } from '../../api/index.ts';
import { type Clock, errorMessage, hasCode, type Logger, type Rng, type Timer } from '../../base/index.ts';
import type { CurrentEnvironment } from '../../client/index.ts';
import type { TarballIndex } from '../../environment/index.ts';
import type { ArchivedImage, ImageStore, ImageStoreProbe, LoadOptions } from '../../executor/index.ts';
import type { Count } from '../counters.ts';
import type { Intents } from '../intents.ts';
import type { SharedDirectory, SharedState } from './shared-directory.ts';
import { type LoadControl, SharedLoads } from './shared-loads.ts';
import { type EnvironmentReference, type EnvironmentSource, keyOf, unavailable } from './source.ts';
import { nextToGo } from './sweep.ts';

/** So long an image that was seen is taken to be there: a start that finds it gone says so. */
const rememberMs = 30_000;
const lookEveryMs = 60_000;

export interface EnvironmentSettings {
  /** An image that no Run has used for so long goes; 0 = never. */
  keepUnusedMs: number;
  /** With less room on the engine's disk, unused images go at any age; 0 = no floor. */
  minFreeBytes: number;
}

/** As the Node shows them. */
export interface EnvironmentFacts {
  images: NodeImage[];
  store?: ImageStoreProbe;
  shared?: SharedState;
}

/** What a machine brings to environments. */
export interface EnvironmentParts {
  store: ImageStore;
  /** The directory that is shared with the host, where there is one. */
  shared?: SharedDirectory;
  /** The host itself. */
  host: EnvironmentSource;
  settings: EnvironmentSettings;
}

export interface EnvironmentsParts extends EnvironmentParts {
  clusterUid: string;
  intents: Intents;
  clock: Clock;
  rng: Rng;
  logger: Logger;
  count: Count;
  /** Those that Runs of this node need; undefined while that is not known. */
  needed: () => EnvironmentReference[] | undefined;
  /** What the Node shows about them may have changed. */
  onChanged: () => void;
}

/** The environments of this machine: brings them when a Run needs them or ahead of that, and takes them away again. */
export class Environments {
  readonly #parts: EnvironmentsParts;
  readonly #loads: SharedLoads;
  readonly #seen = new Map<string, { at: number; image: string }>();
  readonly #known = new Map<string, EnvironmentReference>();
  #current: readonly CurrentEnvironment[] = [];
  #images: NodeImage[] = [];
  #probe: ImageStoreProbe | undefined;
  #shared: SharedState | undefined;
  #prefetching = false;
  #timer: Timer | undefined;
  #closed = false;

  constructor(parts: EnvironmentsParts) {
    const { clock, rng } = parts;
    this.#parts = parts;
    this.#loads = new SharedLoads({ clock, rng, load: (key, control) => this.#counted(key, control) });
  }

  start(): void {
    void this.#round();
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
    this.#loads.close();
  }

  facts(): EnvironmentFacts {
    return { images: this.#images, store: this.#probe, shared: this.#shared };
  }

  /** Answers with what a container is made from. */
  async ensure(environment: EnvironmentReference, options: LoadOptions): Promise<string> {
    const key = keyOf(environment);
    const seen = this.#seen.get(key);
    if (seen && this.#parts.clock.monotonic() - seen.at < rememberMs) return seen.image;
    const found = await this.#find(environment);
    if (found !== undefined) return found;
    this.#known.set(key, environment);
    await this.#loads.join(key, options);
    const loaded = await this.#find(environment);
    if (loaded === undefined)
      throw unavailable(environment, 'its image was removed as soon as it was loaded');
    return loaded;
  }

  /** A start has found it gone. */
  forget(environment: EnvironmentReference): void {
    this.#seen.delete(keyOf(environment));
  }

  /** What the host says with each heartbeat. */
  offered(current: readonly CurrentEnvironment[]): void {
    const changed = JSON.stringify(current) !== JSON.stringify(this.#current);
    this.#current = current;
    if (changed) void this.#list();
    void this.#prefetch();
  }

  async #find(environment: EnvironmentReference): Promise<string | undefined> {
    const image = await this.#parts.store.find(environment.name, environment.digest);
    if (image === undefined) this.forget(environment);
    else this.#seen.set(keyOf(environment), { at: this.#parts.clock.monotonic(), image });
    return image;
  }

  async #prefetch(): Promise<void> {
    if (this.#prefetching) return;
    this.#prefetching = true;
    try {
      for (const environment of this.#current.filter(({ prefetch }) => prefetch)) {
        if (this.#closed) return;
        if (this.#seen.has(keyOf(environment)) || (await this.#find(environment)) !== undefined) continue;
        this.#known.set(keyOf(environment), environment);
        await this.#loads.ahead(keyOf(environment));
      }
    } catch (error) {
      this.#parts.logger.debug('an environment could not be loaded ahead', { error: errorMessage(error) });
    } finally {
      this.#prefetching = false;
    }
  }

  async #counted(key: string, control: LoadControl): Promise<void> {
    const { count } = this.#parts;
    try {
      await this.#load(key, control);
      count('environment_loaded');
    } catch (error) {
      if (!control.signal.aborted) count('environment_load_failed');
      throw error;
    }
  }

  async #load(key: string, control: LoadControl): Promise<void> {
    const { store, intents, clock, logger } = this.#parts;
    const environment = this.#known.get(key);
    if (environment === undefined) return;
    await this.#sweep();
    const from = clock.monotonic();
    const { index, source } = await this.#source(environment);
    const image = imageOf(environment, index);
    const bytes = source.bytes(environment);
    const paced = {
      async *read(range: { offset: number; size: number }, signal: AbortSignal) {
        for await (const chunk of bytes.read(range, signal)) {
          await control.mayGoOn();
          yield chunk;
        }
      },
    };
    const { name, digest } = environment;
    // What is not on record nobody would remove again, also when this runner dies on the way.
    await intents.putEnvironment({ name, digest, lastUsedAt: clock.now() });
    const brought = await store.load(image, paced, control);
    const ms = Math.round(clock.monotonic() - from);
    logger.info('an environment was loaded', { name, digest, ...brought, ms });
    void this.#list();
  }

  /** The shared directory, if it is the host's and has it; else the host itself. */
  async #source(
    environment: EnvironmentReference,
  ): Promise<{ index: TarballIndex; source: EnvironmentSource }> {
    const { shared, host, clusterUid } = this.#parts;
    const places = shared && (await shared.check(clusterUid)).ready ? [shared, host] : [host];
    let failure: unknown;
    for (const source of places) {
      try {
        const index = await source.index(environment);
        if (index) return { index, source };
      } catch (error) {
        failure ??= error;
      }
    }
    if (failure !== undefined && !hasCode(failure, 'NotFound'))
      throw unavailable(environment, errorMessage(failure), failure);
    throw unavailable(environment, 'the host has no tarball of it');
  }

  async #round(): Promise<void> {
    const { clock, logger } = this.#parts;
    try {
      await this.#look();
      await this.#list();
      await this.#sweep();
    } catch (error) {
      logger.debug('a look at the environments failed', { error: errorMessage(error) });
    }
    if (!this.#closed) this.#timer = clock.after(lookEveryMs, () => void this.#round());
  }

  async #look(): Promise<void> {
    const { store, shared, clusterUid, onChanged } = this.#parts;
    const before = JSON.stringify([this.#probe, this.#shared]);
    this.#probe = await store.probe();
    this.#shared = await shared?.check(clusterUid);
    if (!this.#closed && JSON.stringify([this.#probe, this.#shared]) !== before) onChanged();
  }

  /** Which of those that this node knows of are there. */
  async #list(): Promise<void> {
    if (this.#closed) return;
    const { intents, onChanged, needed } = this.#parts;
    const all = [...this.#current, ...(needed() ?? []), ...intents.environments()];
    const known = new Map(all.map((one) => [keyOf(one), one]));
    const images: NodeImage[] = [];
    try {
      for (const [, environment] of [...known].sort(([a], [b]) => (a < b ? -1 : 1))) {
        const { name, digest } = environment;
        if ((await this.#find(environment)) !== undefined) images.push({ name, digest });
      }
    } catch (error) {
      this.#parts.logger.debug('the images of the engine are not known', { error: errorMessage(error) });
      return;
    }
    const changed = JSON.stringify(images) !== JSON.stringify(this.#images);
    this.#images = images;
    if (changed && !this.#closed) onChanged();
  }

  /** Only what this runner has loaded: the engine may be the host's, too, or have images of somebody else. */
  async #sweep(): Promise<void> {
    const { store, intents, clock, settings, logger } = this.#parts;
    const needed = this.#parts.needed();
    if (needed === undefined) return;
    const inUse = new Set(needed.map(keyOf));
    const ahead = new Set(this.#current.filter(({ prefetch }) => prefetch).map(keyOf));
    for (const record of intents.environments())
      if (inUse.has(keyOf(record))) await intents.putEnvironment({ ...record, lastUsedAt: clock.now() });
    const refused = new Set<string>();
    for (;;) {
      const free = settings.minFreeBytes > 0 ? await store.freeBytes() : undefined;
      const next = nextToGo(intents.environments(), {
        nowMs: clock.now(),
        keepUnusedMs: settings.keepUnusedMs,
        isTight: free !== undefined && free < settings.minFreeBytes,
        isKept: (record) => {
          const key = keyOf(record);
          return inUse.has(key) || ahead.has(key) || refused.has(key) || this.#loads.isLoading(key);
        },
      });
      if (next === undefined || this.#closed) return;
      this.forget(next);
      if ((await store.remove(next.name, next.digest)) === 'inUse') refused.add(keyOf(next));
      else {
        await intents.forgetEnvironment(next);
        logger.info('an unused environment was removed', { name: next.name, digest: next.digest });
      }
    }
  }
}

function imageOf(environment: EnvironmentReference, index: TarballIndex): ArchivedImage {
  const config = index.entries.find(({ path }) => path === index.configPath);
  if (index.digest !== environment.digest || config === undefined)
    throw unavailable(environment, `its index is of the digest ${index.digest}`);
  const layers = index.layers.map(({ offset, size, diffId }) => ({ offset, size, diffId }));
  return {
    name: environment.name,
    digest: environment.digest,
    config: { offset: config.offset, size: config.size },
    layers,
  };
}

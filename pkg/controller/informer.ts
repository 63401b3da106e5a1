import { type Kind, type ObjectOf, objectKey } from '../api/index.ts';
import {
  type BackoffOptions,
  backoffDelay,
  type Clock,
  errorMessage,
  hasCode,
  type Logger,
  type Rng,
  type Timer,
} from '../base/index.ts';
import type { Client, SelectorOptions, WatchEvent } from '../client/index.ts';
import { ObjectCache } from './object-cache.ts';

export interface InformerOptions<K extends Kind> {
  kind: K;
  client: Pick<Client, 'list' | 'watch'>;
  clock: Clock;
  rng: Rng;
  logger: Logger;
  selector?: SelectorOptions;
  /** What is kept of an object: drop what nobody here reads. Must not change its argument. */
  transform?: (object: ObjectOf<K>) => ObjectOf<K>;
}

/** `previous` is absent when the object is new, `current` when it is gone. */
export type ChangeHandler<T> = (key: string, previous: T | undefined, current: T | undefined) => void;

const pageSize = 500;
const backoff: BackoffOptions = { baseMs: 50, capMs: 10_000 };
/** A watch that lived this long had nothing wrong with it: the next failure starts from the first delay again. */
const healthyMs = 10_000;

/**
 * A complete local copy of the objects of one kind that follows the API: lists in pages, then watches from the
 * version of the list, and starts over when the watch ends. It may be behind, and is never ahead. The objects are
 * shared: never change them in place.
 */
export class Informer<K extends Kind> {
  readonly kind: K;
  readonly #options: InformerOptions<K>;
  readonly #cache = new ObjectCache<ObjectOf<K>>();
  readonly #handlers: ChangeHandler<ObjectOf<K>>[] = [];
  readonly #waiting: (() => void)[] = [];
  /** Grows with every new list or stop: what belongs to an earlier one is ignored. */
  #generation = 0;
  #synced = false;
  #started = false;
  #attempt = 0;
  #watch: { close(): void } | undefined;
  #timer: Timer | undefined;
  #relists = 0;

  constructor(options: InformerOptions<K>) {
    this.kind = options.kind;
    this.#options = options;
  }

  /** Called synchronously for every change, the first list included. Must not throw nor wait. */
  onChange(handler: ChangeHandler<ObjectOf<K>>): void {
    this.#handlers.push(handler);
  }

  /** Look-up by what `keysOf` answers for an object. Of several calls with one name the first counts. */
  index(name: string, keysOf: (object: ObjectOf<K>) => readonly string[]): (key: string) => ObjectOf<K>[] {
    return this.#cache.index(name, keysOf);
  }

  /** Idempotent. */
  start(): void {
    if (this.#started) return;
    this.#started = true;
    void this.#sync();
  }

  stop(): void {
    this.#generation += 1;
    this.#watch?.close();
    this.#timer?.cancel();
  }

  hasSynced(): boolean {
    return this.#synced;
  }

  /** Resolves when the cache has been complete once. */
  synced(): Promise<void> {
    if (this.#synced) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  get(key: string): ObjectOf<K> | undefined {
    return this.#cache.get(key);
  }

  list(): ObjectOf<K>[] {
    return this.#cache.list();
  }

  metrics(): { objects: number; relists: number; synced: boolean } {
    return { objects: this.#cache.size, relists: this.#relists, synced: this.#synced };
  }

  async #sync(): Promise<void> {
    const generation = ++this.#generation;
    this.#relists += 1;
    try {
      const { objects, resourceVersion } = await this.#listAll();
      if (generation !== this.#generation) return;
      this.#replace(objects);
      this.#follow(generation, resourceVersion);
      this.#markSynced();
    } catch (error) {
      if (generation === this.#generation) this.#again(error);
    }
  }

  async #listAll(): Promise<{ objects: Map<string, ObjectOf<K>>; resourceVersion: string }> {
    const { client, kind, selector, transform } = this.#options;
    const objects = new Map<string, ObjectOf<K>>();
    let next: string | undefined;
    for (;;) {
      const page = await client.list(kind, { ...selector, limit: pageSize, continue: next });
      for (const object of page.items) {
        objects.set(objectKey(object.metadata), transform ? transform(object) : object);
      }
      next = page.continue;
      if (!next) return { objects, resourceVersion: page.resourceVersion };
    }
  }

  #replace(objects: Map<string, ObjectOf<K>>): void {
    for (const key of this.#cache.keys()) if (!objects.has(key)) this.#set(key, undefined);
    for (const [key, object] of objects) {
      const { uid, resourceVersion } = this.#cache.get(key)?.metadata ?? {};
      // An object that was deleted and made again between two lists is two objects, not one that changed.
      if (uid !== undefined && uid !== object.metadata.uid) this.#set(key, undefined);
      if (resourceVersion !== object.metadata.resourceVersion) this.#set(key, object);
    }
  }

  #follow(generation: number, resourceVersion: string): void {
    const { client, clock, kind, selector } = this.#options;
    const startedAt = clock.monotonic();
    const watch = client.watch(
      kind,
      { ...selector, resourceVersion },
      {
        event: (event) => {
          if (generation === this.#generation) this.#apply(event);
        },
        closed: (error) => {
          if (generation !== this.#generation) return;
          if (clock.monotonic() - startedAt >= healthyMs) this.#attempt = 0;
          this.#again(error);
        },
      },
    );
    if (generation === this.#generation) this.#watch = watch;
    else watch.close();
  }

  #apply(event: WatchEvent<ObjectOf<K>>): void {
    const key = objectKey(event.object.metadata);
    const { transform } = this.#options;
    if (event.type === 'DELETED') this.#set(key, undefined);
    else this.#set(key, transform ? transform(event.object) : event.object);
  }

  #set(key: string, current: ObjectOf<K> | undefined): void {
    const previous = this.#cache.set(key, current);
    if (previous === undefined && current === undefined) return;
    for (const handler of this.#handlers) handler(key, previous, current);
  }

  /** Lists again after a delay. What is cached stays: old facts are better than none, and writes are re-checked. */
  #again(error: unknown): void {
    const { clock, logger, rng } = this.#options;
    this.#generation += 1;
    this.#watch = undefined;
    const attempt = this.#attempt++;
    if (!hasCode(error, 'Expired')) {
      const text = error === undefined ? 'closed' : errorMessage(error);
      logger.info('the watch has ended; listing again', { kind: this.kind, attempt, error: text });
    }
    const delayMs = backoffDelay(backoff, attempt, rng);
    this.#timer = clock.after(delayMs, () => void this.#sync(), { unref: true });
  }

  #markSynced(): void {
    this.#synced = true;
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

import { backoffDelay, type Clock, type Rng, sleep } from '../../base/index.ts';
import type { LoadOptions, LoadProgress } from '../../executor/index.ts';

const backoff = { baseMs: 500, capMs: 15_000 };
/** How often a load that nobody waits for looks whether it may go on. */
const giveWayMs = 200;

export interface LoadControl extends LoadOptions {
  /** Between two pieces: answers when the load may go on. */
  mayGoOn: () => Promise<void>;
}

interface Load {
  done: Promise<void>;
  abort: AbortController;
  waiters: Set<{ onProgress: (progress: LoadProgress) => void }>;
  last?: LoadProgress;
  /** Somebody waits for it; a load ahead of need gives way to those. */
  isNeeded: boolean;
}

export interface SharedLoadsParts {
  clock: Clock;
  rng: Rng;
  load: (key: string, control: LoadControl) => Promise<void>;
}

/** One load for each key at a time, however many wait for it; those that nobody waits for give way to the others. */
export class SharedLoads {
  readonly #parts: SharedLoadsParts;
  readonly #loads = new Map<string, Load>();
  readonly #failed = new Map<string, { error: unknown; attempt: number; until: number }>();

  constructor(parts: SharedLoadsParts) {
    this.#parts = parts;
  }

  isLoading(key: string): boolean {
    return this.#loads.has(key);
  }

  /** Answers when it is loaded. Who gives up waits no longer; when nobody waits, the load is given up too. */
  async join(key: string, { signal, onProgress }: LoadOptions): Promise<void> {
    signal.throwIfAborted();
    const load = this.#find(key);
    load.isNeeded = true;
    const waiter = { onProgress };
    load.waiters.add(waiter);
    if (load.last) onProgress(load.last);
    try {
      await new Promise<void>((resolve, reject) => {
        const abort = () => reject(signal.reason);
        signal.addEventListener('abort', abort, { once: true });
        load.done.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
      });
    } finally {
      load.waiters.delete(waiter);
      if (load.waiters.size === 0) load.abort.abort();
    }
  }

  /** Ahead of need, and in the background. Raises what `join` would. */
  async ahead(key: string): Promise<void> {
    await this.#find(key).done;
  }

  close(): void {
    for (const load of this.#loads.values()) load.abort.abort();
  }

  #find(key: string): Load {
    const found = this.#loads.get(key);
    // One that is being given up is not what a newcomer can wait for.
    if (found && !found.abort.signal.aborted) return found;
    const load: Load = {
      done: Promise.resolve(),
      abort: new AbortController(),
      waiters: new Set(),
      isNeeded: false,
    };
    this.#loads.set(key, load);
    load.done = this.#run(key, load, found?.done);
    load.done.catch(() => {});
    return load;
  }

  async #run(key: string, load: Load, before: Promise<void> | undefined): Promise<void> {
    const { signal } = load.abort;
    const tell = (progress: LoadProgress) => {
      load.last = progress;
      for (const { onProgress } of load.waiters) onProgress(progress);
    };
    try {
      await before?.catch(() => {});
      this.#refuseTooEarly(key);
      await this.#parts.load(key, { signal, onProgress: tell, mayGoOn: () => this.#giveWay(load) });
      this.#failed.delete(key);
    } catch (error) {
      if (!signal.aborted) this.#remember(key, error);
      throw error;
    } finally {
      if (this.#loads.get(key) === load) this.#loads.delete(key);
    }
  }

  /** Many who wait fail together and come again together: that must not become many tries. */
  #refuseTooEarly(key: string): void {
    const failed = this.#failed.get(key);
    if (failed && this.#parts.clock.monotonic() < failed.until) throw failed.error;
  }

  #remember(key: string, error: unknown): void {
    const { clock, rng } = this.#parts;
    const before = this.#failed.get(key);
    if (before?.error === error) return;
    const attempt = before === undefined ? 0 : before.attempt + 1;
    this.#failed.set(key, {
      error,
      attempt,
      until: clock.monotonic() + backoffDelay(backoff, attempt, rng),
    });
  }

  async #giveWay(load: Load): Promise<void> {
    while (!load.isNeeded && [...this.#loads.values()].some((other) => other.isNeeded))
      await sleep(this.#parts.clock, giveWayMs, load.abort.signal);
  }
}

import { type Clock, errorMessage, type Logger, type Timer } from '../base/index.ts';
import type { Store } from './types.ts';

export interface CompactionLoopOptions {
  store: Pick<Store, 'version' | 'floor' | 'compact'>;
  clock: Clock;
  logger: Logger;
  /** A version younger than this stays. Default 10 minutes. */
  keepMs?: number;
  /** This many of the newest versions stay, however old. Default 10,000. */
  keepVersions?: number;
  /** Versions before this many are forgotten, however young. Default 200,000. */
  maxVersions?: number;
  /** How often it looks. Default 1 minute. */
  intervalMs?: number;
}

/** Forgets old versions as time goes by. Writes nothing while there is nothing to forget: an idle store stays idle. */
export class CompactionLoop {
  readonly #options: Required<CompactionLoopOptions>;
  /** Newest version at past looks, oldest first. */
  #seen: { at: number; version: number }[] = [];
  #timer: Timer | undefined;
  #stopped = false;

  constructor(options: CompactionLoopOptions) {
    this.#options = {
      keepMs: 600_000,
      keepVersions: 10_000,
      maxVersions: 200_000,
      intervalMs: 60_000,
      ...options,
    };
  }

  start(): void {
    this.#stopped = false;
    this.#arm();
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  #arm(): void {
    if (this.#stopped) return;
    const look = () => {
      this.#look()
        .catch((error) => {
          if (this.#stopped) return;
          this.#options.logger.warn('compaction failed; trying again later', { error: errorMessage(error) });
        })
        .finally(() => this.#arm());
    };
    this.#timer = this.#options.clock.after(this.#options.intervalMs, look, { unref: true });
  }

  async #look(): Promise<void> {
    const { store, clock, keepMs, keepVersions, maxVersions } = this.#options;
    const now = clock.monotonic();
    const version = store.version();
    this.#seen.push({ at: now, version });
    const old = this.#seen.filter((each) => each.at <= now - keepMs).at(-1);
    if (old) this.#seen = this.#seen.filter((each) => each.at >= old.at);
    const byAge = Math.min(old?.version ?? 0, version - keepVersions);
    const target = Math.max(byAge, version - maxVersions);
    if (target > store.floor()) await store.compact(target);
  }
}

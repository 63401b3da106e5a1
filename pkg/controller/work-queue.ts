import { type BackoffOptions, backoffDelay, type Clock, type Rng, type Timer } from '../base/index.ts';
import type { Result } from './controller.ts';

export interface WorkQueueOptions {
  clock: Clock;
  rng: Rng;
  /** Does the work for one key. */
  process(key: string): Promise<Result | undefined>;
  /** Told of everything that `process` throws; the key is tried again. */
  failed(key: string, error: unknown, attempt: number): void;
  /** Keys processed at the same time; default 1. */
  workers?: number;
  /** Between tries of a key that fails; default 20 ms to 30 s. */
  backoff?: BackoffOptions;
}

export interface WorkQueueMetrics {
  /** Waiting to be processed now. */
  depth: number;
  /** Being processed now. */
  active: number;
  /** Waiting for their time. */
  delayed: number;
  processed: number;
  failures: number;
}

const defaultBackoff: BackoffOptions = { baseMs: 20, capMs: 30_000 };

/**
 * Keys to work on, first in first out. A key that waits is there once, however often it is added; one that is added
 * while it is being processed runs again afterwards; one key is never processed twice at the same time.
 */
export class WorkQueue {
  readonly #options: WorkQueueOptions;
  /** In order of arrival; a Set keeps it. */
  readonly #waiting = new Set<string>();
  readonly #processing = new Set<string>();
  /** Added while being processed. */
  readonly #again = new Set<string>();
  readonly #timers = new Map<string, { dueAt: number; timer: Timer }>();
  readonly #attempts = new Map<string, number>();
  readonly #idle: (() => void)[] = [];
  #state: 'paused' | 'running' | 'stopped' = 'paused';
  #scheduled = false;
  #processed = 0;
  #failures = 0;

  constructor(options: WorkQueueOptions) {
    this.#options = options;
  }

  /** Keys may be added before; nothing is processed until this call. */
  start(): void {
    if (this.#state !== 'paused') return;
    this.#state = 'running';
    this.#schedule();
  }

  /** Drops all keys that wait; answers when those in process are done. */
  stop(): Promise<void> {
    this.#state = 'stopped';
    this.#waiting.clear();
    this.#again.clear();
    for (const { timer } of this.#timers.values()) timer.cancel();
    this.#timers.clear();
    if (this.#processing.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  add(key: string): void {
    if (this.#state === 'stopped') return;
    if (this.#processing.has(key)) {
      this.#again.add(key);
      return;
    }
    this.#waiting.add(key);
    this.#schedule();
  }

  /** Keys that are being processed now. */
  underWay(): string[] {
    return [...this.#processing];
  }

  /** Adds the key after this time. Of several waiting times of one key the earliest counts. */
  addAfter(key: string, delayMs: number): void {
    if (this.#state === 'stopped') return;
    const { clock } = this.#options;
    const dueAt = clock.monotonic() + delayMs;
    const present = this.#timers.get(key);
    if (present && present.dueAt <= dueAt) return;
    present?.timer.cancel();
    const due = () => {
      this.#timers.delete(key);
      this.add(key);
    };
    this.#timers.set(key, { dueAt, timer: clock.after(delayMs, due, { unref: true }) });
  }

  /** Adds the key after a delay that grows with every such call until `forget`. */
  addRateLimited(key: string): void {
    const attempt = this.#attempts.get(key) ?? 0;
    this.#attempts.set(key, attempt + 1);
    const delayMs = backoffDelay(this.#options.backoff ?? defaultBackoff, attempt, this.#options.rng);
    this.addAfter(key, delayMs);
  }

  forget(key: string): void {
    this.#attempts.delete(key);
  }

  metrics(): WorkQueueMetrics {
    return {
      depth: this.#waiting.size,
      active: this.#processing.size,
      delayed: this.#timers.size,
      processed: this.#processed,
      failures: this.#failures,
    };
  }

  /** Deferred by a microtask, so that all events of one commit are in the caches before the first key runs. */
  #schedule(): void {
    if (this.#scheduled || this.#state !== 'running') return;
    this.#scheduled = true;
    void Promise.resolve().then(() => {
      this.#scheduled = false;
      this.#startWork();
    });
  }

  #startWork(): void {
    const workers = this.#options.workers ?? 1;
    for (const key of this.#waiting) {
      if (this.#processing.size >= workers || this.#state !== 'running') return;
      this.#waiting.delete(key);
      this.#processing.add(key);
      // This round covers what the timer was for; its answer says whether there is to be another.
      this.#timers.get(key)?.timer.cancel();
      this.#timers.delete(key);
      void this.#work(key);
    }
  }

  async #work(key: string): Promise<void> {
    try {
      const result = await this.#options.process(key);
      this.forget(key);
      if (result?.requeueAfterMs !== undefined) this.addAfter(key, result.requeueAfterMs);
    } catch (error) {
      this.#failures += 1;
      this.#options.failed(key, error, this.#attempts.get(key) ?? 0);
      this.addRateLimited(key);
    }
    this.#processed += 1;
    this.#processing.delete(key);
    if (this.#again.delete(key)) this.#waiting.add(key);
    if (this.#processing.size === 0) for (const resolve of this.#idle.splice(0)) resolve();
    this.#schedule();
  }
}

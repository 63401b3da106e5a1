import { backoffDelay, type Clock, errorMessage, type Logger, type Rng, type Timer } from '../base/index.ts';
import type { Count } from './counters.ts';

const backoff = { baseMs: 200, capMs: 10_000 };

export interface KeyLoopParts {
  clock: Clock;
  rng: Rng;
  logger: Logger;
  count: Count;
  work: (key: string) => Promise<PassResult>;
}

export interface PassResult {
  /** Nothing is left under way: earlier failures are over. */
  settled: boolean;
  /** Look at it again after so long, even when nothing happens. */
  wakeAfterMs?: number;
}

interface State {
  running: boolean;
  dirty: boolean;
  failures: number;
  timer?: Timer;
}

/**
 * Works on keys: never on one twice at a time; one that was made dirty meanwhile is worked on again; one that failed
 * waits longer each time. Keys with nothing to do take no memory.
 */
export class KeyLoop {
  readonly #parts: KeyLoopParts;
  readonly #states = new Map<string, State>();
  #closed = false;

  constructor(parts: KeyLoopParts) {
    this.#parts = parts;
  }

  /** Makes a key dirty. `urgent` ends a back-off: what is wanted has changed, not only what was seen. */
  poke(key: string, options: { urgent?: boolean } = {}): void {
    if (this.#closed) return;
    const state = this.#states.get(key) ?? { running: false, dirty: false, failures: 0 };
    this.#states.set(key, state);
    state.dirty = true;
    const waits = state.failures > 0 && state.timer !== undefined && !options.urgent;
    if (!state.running && !waits) void this.#run(key, state);
  }

  /** For work that was begun in the background and failed. */
  fail(key: string, error: unknown): void {
    if (this.#closed) return;
    const state = this.#states.get(key) ?? { running: false, dirty: false, failures: 0 };
    this.#states.set(key, state);
    this.#backOff(key, state, error);
  }

  close(): void {
    this.#closed = true;
    for (const state of this.#states.values()) state.timer?.cancel();
    this.#states.clear();
  }

  async #run(key: string, state: State): Promise<void> {
    state.running = true;
    state.dirty = false;
    state.timer?.cancel();
    state.timer = undefined;
    // What is made dirty in one turn many times is worked on once.
    await Promise.resolve();
    try {
      if (!this.#closed) this.#finished(key, state, await this.#parts.work(key));
    } catch (error) {
      this.#backOff(key, state, error);
    }
    state.running = false;
    if (this.#closed) return;
    const backsOff = state.timer !== undefined && state.failures > 0;
    if (state.dirty && !backsOff) void this.#run(key, state);
    else if (!state.timer && state.failures === 0) this.#states.delete(key);
  }

  #finished(key: string, state: State, { settled, wakeAfterMs }: PassResult): void {
    // Work in the background that failed during the pass has set a timer of its own.
    if (this.#closed || state.timer !== undefined) return;
    if (settled) state.failures = 0;
    if (wakeAfterMs !== undefined) this.#wake(key, state, wakeAfterMs);
  }

  #backOff(key: string, state: State, error: unknown): void {
    const { clock, rng, logger, count } = this.#parts;
    if (this.#closed) return;
    const delayMs = backoffDelay(backoff, state.failures, rng);
    state.failures += 1;
    count('run_backed_off');
    logger.warn('a run will be tried again', { key, delayMs, error: errorMessage(error) });
    state.timer?.cancel();
    state.timer = clock.after(delayMs, () => {
      state.timer = undefined;
      if (!state.running) void this.#run(key, state);
      else state.dirty = true;
    });
  }

  #wake(key: string, state: State, delayMs: number): void {
    state.timer = this.#parts.clock.after(delayMs, () => {
      state.timer = undefined;
      if (state.running) state.dirty = true;
      else void this.#run(key, state);
    });
  }
}

import type { Clock, Timer } from '../../pkg/base/index.ts';

interface Entry {
  dueAt: number;
  callback: () => void;
}

/** Time that stands until a test moves it. Turns of the event loop are real ones. */
export class ManualClock implements Clock {
  #elapsedMs = 0;
  #startMs = Date.UTC(2026, 10, 22);
  readonly #entries = new Set<Entry>();

  now(): number {
    return this.#startMs + this.#elapsedMs;
  }

  /** As somebody who sets the clock of the machine. */
  setWall(milliseconds: number): void {
    this.#startMs = milliseconds - this.#elapsedMs;
  }

  monotonic(): number {
    return this.#elapsedMs;
  }

  after(delayMs: number, callback: () => void): Timer {
    const entry = { dueAt: this.#elapsedMs + delayMs, callback };
    this.#entries.add(entry);
    return { cancel: () => this.#entries.delete(entry) };
  }

  nextTurn(callback: () => void): void {
    setImmediate(callback);
  }

  /** How many timers run. */
  get timers(): number {
    return this.#entries.size;
  }

  /** Moves time on; timers that become due are called in their order, each at its time. */
  advance(milliseconds: number): void {
    const end = this.#elapsedMs + milliseconds;
    for (;;) {
      const next = [...this.#entries]
        .filter(({ dueAt }) => dueAt <= end)
        .sort((left, right) => left.dueAt - right.dueAt)[0];
      if (!next) break;
      this.#entries.delete(next);
      this.#elapsedMs = Math.max(this.#elapsedMs, next.dueAt);
      next.callback();
    }
    this.#elapsedMs = end;
  }
}

/** Lets all turns pass that work under way needs; bounded, so that a loop without end fails the test. */
export async function settle(turns = 40): Promise<void> {
  for (let turn = 0; turn < turns; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

/** Waits, turn by turn, until this holds. The test's own time limit is the deadline. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setImmediate(resolve));
}

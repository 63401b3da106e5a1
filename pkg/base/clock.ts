/** A running timer. `cancel` is idempotent; a cancelled timer never fires. */
export interface Timer {
  cancel(): void;
}

/**
 * The only source of time. Nothing outside `pkg/base` and `cmd` reads the real clock, so that the
 * simulator can run hosts and runners on a seeded one.
 */
export interface Clock {
  /** Wall time, milliseconds since the epoch, UTC. May jump. For what people read. */
  now(): number;
  /**
   * Milliseconds since the boot of the machine, the same for all its processes; never goes back, stands still while
   * the machine is suspended. For leases, timeouts and back-off.
   */
  monotonic(): number;
  /** Calls back once after `delayMs` (0 or more). Never keeps the process alive by itself when `unref`. */
  after(delayMs: number, callback: () => void, options?: { unref?: boolean }): Timer;
  /** Calls back once when the current event-loop turn has ended: group commit and coalescing hang on it. */
  nextTurn(callback: () => void): void;
}

export const realClock: Clock = {
  now: () => Date.now(),
  // Linux: CLOCK_MONOTONIC. `performance.now` counts from the start of each process.
  monotonic() {
    const [seconds, nanoseconds] = process.hrtime();
    return seconds * 1000 + nanoseconds / 1e6;
  },
  after(delayMs, callback, options) {
    const handle = setTimeout(callback, Math.min(Math.max(0, delayMs), 2 ** 31 - 1));
    if (options?.unref) handle.unref();
    return { cancel: () => clearTimeout(handle) };
  },
  nextTurn: (callback) => {
    setImmediate(callback);
  },
};

/** Resolves after `delayMs`; rejects with the signal's reason when that aborts first. */
export function sleep(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const onAbort = () => {
      timer.cancel();
      reject(signal?.reason);
    };
    const timer = clock.after(delayMs, () => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    });
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}

/** RFC 3339 in UTC with milliseconds, the form of every time in an object. */
export function timestamp(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}

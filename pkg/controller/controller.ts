/** What a reconcile answers. */
export interface Result {
  /**
   * Look at the key again after this time, even when nothing changes. The last answer counts: one without it
   * cancels what an earlier one asked for.
   */
  requeueAfterMs?: number;
}

/**
 * One loop. It is told a key, never an event: it looks at everything that is there and brings it closer to what is
 * wanted. What it throws is logged and tried again with back-off.
 */
export interface Controller {
  /** In logs and metrics. */
  readonly name: string;
  /** Keys that are worked on at the same time; default 1. The same key never is. */
  readonly workers?: number;
  /** Called once, before anything is cached: connects caches to the queue. Must not write. */
  watch(enqueue: (key: string) => void): void;
  /** Called only while all caches are complete. */
  reconcile(key: string): Promise<Result | undefined>;
}

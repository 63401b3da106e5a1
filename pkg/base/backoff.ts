import type { Rng } from './rng.ts';

export interface BackoffOptions {
  /** First delay, milliseconds. */
  baseMs: number;
  /** No delay is longer. */
  capMs: number;
}

/** Exponential with full-range jitter in [half, whole], so that many callers do not come back at once. `attempt` counts from 0. */
export function backoffDelay(options: BackoffOptions, attempt: number, rng: Rng): number {
  const whole = Math.min(options.capMs, options.baseMs * 2 ** Math.min(attempt, 30));
  return whole / 2 + (whole / 2) * rng.next();
}

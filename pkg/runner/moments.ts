/** One moment on both clocks of a machine: what people read may jump, what spans are measured by does not. */
export interface Moment {
  /** Milliseconds since the epoch. */
  wallMs: number;
  /** Milliseconds since that boot of the machine. */
  monotonicMs: number;
  bootId: string;
}

/** Milliseconds. Over a restart of the machine only the clock that jumps is left. */
export function elapsedMs(since: Moment, now: Moment): number {
  if (since.bootId === now.bootId) return now.monotonicMs - since.monotonicMs;
  return Math.max(0, now.wallMs - since.wallMs);
}

/** More than what a clock that is set right bit by bit can drift meanwhile. */
export const slackMs = 1_000;

/** Whether the wall clock was set between the two. */
export function hasJumped(since: Moment, now: Moment): boolean {
  if (since.bootId !== now.bootId) return false;
  return Math.abs(now.wallMs - since.wallMs - elapsedMs(since, now)) > slackMs;
}

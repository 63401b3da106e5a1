import { type Clock, sleep } from '../../base/index.ts';

/** How often a wait looks again: soon at first, then seldom. */
const firstLookMs = 5;
const lastLookMs = 200;
/** What gets SIGKILL is gone soon. */
const killedLookMs = 20;

/** Looks again and again until there is an answer. */
export async function untilFound<T>(clock: Clock, look: () => Promise<T | undefined>): Promise<T> {
  for (let waitMs = firstLookMs; ; waitMs = Math.min(waitMs * 2, lastLookMs)) {
    const found = await look();
    if (found !== undefined) return found;
    await sleep(clock, waitMs);
  }
}

/** Acts again and again until nothing is left: `end` is told whether the grace period is over. */
export async function untilEnded(
  clock: Clock,
  graceMs: number,
  { isLeft, end }: { isLeft: () => Promise<boolean>; end: (isOver: boolean) => Promise<void> },
): Promise<void> {
  const killAt = clock.monotonic() + graceMs;
  for (let waitMs = firstLookMs; await isLeft(); waitMs = Math.min(waitMs * 2, lastLookMs)) {
    const leftMs = killAt - clock.monotonic();
    await end(leftMs <= 0);
    await sleep(clock, leftMs > 0 ? Math.min(waitMs, leftMs) : Math.min(waitMs, killedLookMs));
  }
}

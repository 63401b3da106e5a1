import type { Execution } from '../executor/index.ts';
import type { Intent } from './intents.ts';
import { elapsedMs, hasJumped, type Moment, slackMs } from './moments.ts';

/** What the end of a Run's time is reckoned by. */
type Known = Pick<Intent, 'startingAt' | 'runningSince' | 'pausedAt' | 'pausedMs'>;

/**
 * How long a program has run that is seen running for the first time; from then on the clock that does not jump
 * counts. `startedAt` is the machine's word on the other one: not believed when that was set meanwhile, or there and
 * back again, because a program that runs too long is a smaller harm than one that is killed too early.
 */
export function ranForMs({ startedAt = 0 }: Execution, { startingAt }: Known, now: Moment): number {
  if (startingAt && hasJumped(startingAt, now)) return 0;
  const most = startingAt ? elapsedMs(startingAt, now) : Number.POSITIVE_INFINITY;
  const ranMs = now.wallMs - startedAt;
  return ranMs > most + slackMs ? 0 : Math.max(0, Math.min(ranMs, most));
}

/** Milliseconds, or undefined while there is no end of its time: pauses do not count. */
export function untilDeadline(
  execution: Execution,
  intent: Known,
  timeoutMs: number | undefined,
  now: Moment,
): number | undefined {
  const { runningSince, pausedAt, pausedMs = 0 } = intent;
  if (execution.startedAt === undefined || timeoutMs === undefined || pausedAt !== undefined)
    return undefined;
  const ranMs = runningSince ? elapsedMs(runningSince, now) : ranForMs(execution, intent, now);
  return timeoutMs + pausedMs - ranMs;
}

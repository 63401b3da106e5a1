import type { Run, RunStatus } from '../api/index.ts';
import { timestamp } from '../base/index.ts';
import type { Intent } from './intents.ts';
import { elapsedMs, type Moment } from './moments.ts';

export type Pauses = Pick<Intent, 'pausedAt' | 'pausedMs'>;

/** All pauses until now, the one that lasts on included. */
export function pausedUntilNow(intent: Pauses & Pick<Intent, 'pausedSince'>, now: Moment): number {
  const { pausedSince, pausedMs: before = 0 } = intent;
  return pausedSince ? before + elapsedMs(pausedSince, now) : pausedMs(intent, now.wallMs);
}

/** All pauses until `nowMs` of the wall clock, the one that lasts on included. Never less than before when a clock goes back. */
export function pausedMs({ pausedAt, pausedMs: before = 0 }: Pauses, nowMs: number): number {
  return before + (pausedAt === undefined ? 0 : Math.max(0, nowMs - pausedAt));
}

/** What status shows of them, for a Run that is not paused any more. */
export function pausesUntil(pauses: Pauses, nowMs: number): Pick<RunStatus, 'pausedMs'> {
  const total = pausedMs(pauses, nowMs);
  return total === 0 ? {} : { pausedMs: total };
}

/** The status of a Run that has just been paused. */
export function pausedStatus({ pausedAt, pausedMs: before }: Pauses, nowMs: number): RunStatus {
  return {
    phase: 'Paused',
    pausedAt: timestamp(pausedAt ?? nowMs),
    ...(before === undefined ? {} : { pausedMs: before }),
    reason: 'Paused',
    message: '',
  };
}

/** What the host was told of them: for a runner that has lost its records. */
export function knownPauses({ status }: Run): Pauses {
  const since = status?.phase === 'Paused' && status.pausedAt ? Date.parse(status.pausedAt) : undefined;
  return {
    ...(since === undefined ? {} : { pausedAt: since }),
    ...(status?.pausedMs === undefined ? {} : { pausedMs: status.pausedMs }),
  };
}

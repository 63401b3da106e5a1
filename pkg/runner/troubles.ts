import type { RunPhase, RunStatus } from '../api/index.ts';
import { errorMessage } from '../base/index.ts';
import { isAlike, reasonOf } from './failures.ts';
import type { Step } from './next-steps.ts';
import type { Activity } from './situation.ts';
import type { RunReport } from './status-manager.ts';

const beginning: ReadonlySet<RunPhase> = new Set(['Scheduled', 'Preparing', 'Starting']);

/** What of a Run that is under way cannot be done at the moment. */
const failed = { Pausing: 'PauseFailed', Resuming: 'ResumeFailed', Stopping: 'StopFailed' } as const;
const reasonsUnderWay: ReadonlySet<string> = new Set(Object.values(failed));

const activities: Partial<Record<Step['kind'], Activity>> = {
  Pause: 'Pausing',
  Resume: 'Resuming',
  Stop: 'Stopping',
};

export function activityOf(step: Step): Activity | undefined {
  return activities[step.kind];
}

/**
 * Why a Run does not do what is wanted of it, for whoever looks at it while it is tried again. `shown`: what the host
 * has. Undefined when there is nothing to tell that is not told already.
 */
export function troubleReport(
  shown: RunStatus | undefined,
  activity: Activity | undefined,
  error: unknown,
): RunReport | undefined {
  const told = shown && sayTrouble(shown, activity, error);
  if (!told) return undefined;
  const isTold =
    shown.phase === told.phase && shown.reason === told.reason && isAlike(shown.message, told.message);
  return isTold ? undefined : told;
}

function sayTrouble(
  { phase }: RunStatus,
  activity: Activity | undefined,
  error: unknown,
): (RunReport & { message: string }) | undefined {
  const message = errorMessage(error);
  if (phase !== undefined && beginning.has(phase)) {
    const begun = activity === 'Preparing' || activity === 'Starting' ? activity : undefined;
    const reason = reasonOf(error) ?? 'TryingAgain';
    return { phase: (phase === 'Scheduled' ? begun : undefined) ?? phase, reason, message };
  }
  if (phase !== 'Running' && phase !== 'Paused') return undefined;
  if (activity !== 'Pausing' && activity !== 'Resuming' && activity !== 'Stopping') return undefined;
  return { phase, reason: failed[activity], message: `It is tried again: ${message}` };
}

/** Whether status still tells of a trouble of a Run under way. */
export function isTroubled({ reason }: RunStatus): boolean {
  return reason !== undefined && reasonsUnderWay.has(reason);
}

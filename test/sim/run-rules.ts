import type { Run } from '../../pkg/api/index.ts';

export type Phase = NonNullable<Run['status']>['phase'];

const forward: readonly Phase[] = ['Scheduled', 'Preparing', 'Starting', 'Running'];
const ended: readonly Phase[] = ['Succeeded', 'Failed', 'Stopped'];

export const isEnded = (phase: Phase): boolean => ended.includes(phase);

/** On a node's account: bound and not ended. Lost runs stay charged. */
export const isCharged = (phase: Phase): boolean =>
  forward.includes(phase) || phase === 'Paused' || phase === 'Lost';

/**
 * The Run table once more, written from the design and not from the code, so that a mistake in the code's table
 * shows. Staying in a phase is always allowed.
 */
export function allowedMove(from: Phase, to: Phase): boolean {
  if (from === to) return true;
  if (isEnded(from)) return false;
  if (from === 'Pending') return to === 'Scheduled' || to === 'Stopped';
  if (from === 'Lost') return to === 'Running' || isEnded(to);
  if (to === 'Lost' || isEnded(to)) return true;
  if (from === 'Paused' || to === 'Paused') return from === 'Running' || to === 'Running';
  if (from === 'Scheduled' && to === 'Pending') return true;
  return forward.indexOf(to) > forward.indexOf(from);
}

import type { Missed } from './absences.ts';

/** What people are told of a run whose output may not be all there. */
export const missedNotes: Record<Missed, string> = {
  end: 'The Docker Engine was away when it ended: an engine that starts again ends what it ran, and the last of the output may be missing.',
  middle:
    'The Docker Engine was away for a time while it ran: what it wrote just before that may be missing from the output.',
  unseen:
    'The Docker Engine may have been away while it ran or when it ended, and no runner looked: a part of the output may be missing.',
};

/** `why`: what the collection failed by; undefined: it has not. */
export function lostNote(why: string | undefined): string | undefined {
  if (why === undefined) return undefined;
  return `Its output is not complete, because the node could not collect it: ${why}.`;
}

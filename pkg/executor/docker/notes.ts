/** What people are told of a run whose output may not be all there. */
export const awayNote =
  'The Docker Engine was away when it ended: an engine that starts again ends what it ran, and the last of the output may be missing.';

/** It may have ended while the engine was away and no runner looked. */
export const unseenNote =
  'The Docker Engine has no memory of its end: if it was away then, the last of the output may be missing.';

/** `why`: what the collection failed by; undefined: it has not. */
export function lostNote(why: string | undefined): string | undefined {
  if (why === undefined) return undefined;
  return `Its output is not complete, because the node could not collect it: ${why}.`;
}

import type { ContainerChanges } from '../../api/index.ts';
import { type ContainerLimits, type ContainerState, isClean } from '../../builder/index.ts';

/** Undefined: there is to be none. */
export interface WantedContainer {
  /** In use. */
  digest: string;
  suspend: boolean;
  limits: ContainerLimits;
}

export interface ObservedContainer extends ContainerState {
  /** Digest that it was made from or last committed as. */
  base: string;
  /** What is in it and not in `base`; undefined while that is not known. */
  changes: ContainerChanges | undefined;
}

export type ContainerStep = 'create' | 'remove' | 'start' | 'stop' | 'limit' | 'done';

/**
 * What brings the container closer to what is wanted. One with changes that are not committed, or may have some, is never
 * removed; one in which somebody is only when there is to be none.
 */
export function containerStep(
  wanted: WantedContainer | undefined,
  found: ObservedContainer | undefined,
): ContainerStep {
  if (!found) return wanted ? 'create' : 'done';
  const holdsNothing = found.changes !== undefined && isClean(found.changes);
  if (!wanted) {
    if (holdsNothing) return 'remove';
    return found.running ? 'stop' : 'done';
  }
  // Also one that was committed while somebody was in it: what is done on a new one makes a small layer.
  const isOfNow = found.digest === wanted.digest;
  if (!isOfNow && holdsNothing && !found.inUse) return 'remove';
  if (found.running === wanted.suspend) return wanted.suspend ? 'stop' : 'start';
  const { milliCores, memoryBytes } = wanted.limits;
  const isLimited = found.limits.milliCores === milliCores && found.limits.memoryBytes === memoryBytes;
  return isLimited ? 'done' : 'limit';
}

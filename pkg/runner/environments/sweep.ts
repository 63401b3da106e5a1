import type { EnvironmentRecord } from '../intents.ts';

export interface SweepRules {
  nowMs: number;
  /** 0 = for ever. */
  keepUnusedMs: number;
  /** Must not go, whatever its age: a Run needs it, it is being loaded, or it would only be loaded again. */
  isKept: (record: EnvironmentRecord) => boolean;
  /** The disk has less room than it should. */
  isTight: boolean;
}

/** The image that goes next, the one that was unused for longest first; undefined when all may stay. */
export function nextToGo(
  records: readonly EnvironmentRecord[],
  rules: SweepRules,
): EnvironmentRecord | undefined {
  const { nowMs, keepUnusedMs, isKept, isTight } = rules;
  const [oldest] = records.filter((record) => !isKept(record)).sort((a, b) => a.lastUsedAt - b.lastUsedAt);
  if (oldest === undefined) return undefined;
  const isOld = keepUnusedMs > 0 && nowMs - oldest.lastUsedAt > keepUnusedMs;
  return isTight || isOld ? oldest : undefined;
}

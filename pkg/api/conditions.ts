import type { Condition } from './types.gen.ts';

export type NewCondition = Omit<Condition, 'lastTransitionTime'>;
type Conditions = readonly Condition[] | undefined;

export function getCondition(conditions: Conditions, type: string): Condition | undefined {
  return conditions?.find((condition) => condition.type === type);
}

export function isConditionTrue(conditions: Conditions, type: string): boolean {
  return getCondition(conditions, type)?.status === 'True';
}

/**
 * The conditions with this one in its place. `lastTransitionTime` (RFC 3339) changes only with `status`. When
 * nothing changes the same array comes back, so that a caller can see that there is nothing to write.
 */
export function setCondition(
  conditions: Condition[] | undefined,
  condition: NewCondition,
  now: string,
): Condition[] {
  const present = conditions ?? [];
  const old = getCondition(present, condition.type);
  if (!old) return [...present, { ...condition, lastTransitionTime: now }];
  const same =
    old.status === condition.status &&
    old.reason === condition.reason &&
    old.message === condition.message &&
    old.observedGeneration === condition.observedGeneration;
  if (same) return present;
  const lastTransitionTime = old.status === condition.status ? old.lastTransitionTime : now;
  return present.map((each) => (each === old ? { ...condition, lastTransitionTime } : each));
}

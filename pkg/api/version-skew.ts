import { getCondition, isConditionTrue, type NewCondition, setCondition } from './conditions.ts';
import type { Condition } from './types.gen.ts';

/** Condition of a Node, and reason why it is not Ready. */
export const versionSkewType = 'VersionSkew';

/**
 * Why a runner of one version and a host of another (`0.2.7`, `v0.2.7+river`) do not work together: another major version,
 * or more than one minor version between them. Undefined: they do, or one of them does not say what it is.
 */
export function versionSkew(runner: string | undefined, host: string | undefined): string | undefined {
  const here = parse(runner);
  const there = parse(host);
  if (!here || !there) return undefined;
  if (here.major === there.major && Math.abs(here.minor - there.minor) <= 1) return undefined;
  const older = here.major - there.major || here.minor - there.minor;
  return `The runner is river ${here.text}, the host ${there.text}: no new runs come here until they are at most one minor version apart; upgrade the ${older < 0 ? 'runner' : 'host'}.`;
}

/** Of `0.4.0`, `v0.4.0+river` and `0.4.0-rc.1`. */
function parse(version: string | undefined): { text: string; major: number; minor: number } | undefined {
  const match = /^v?((\d+)\.(\d+)\.[^+]+)/.exec(version ?? '');
  if (!match) return undefined;
  return { text: match[1] ?? '', major: Number(match[2]), minor: Number(match[3]) };
}

/** Absent until there is something to say; False when it is over. */
export function versionSkewConditions(
  skew: string | undefined,
  before: readonly Condition[] | undefined,
): NewCondition[] {
  const type = versionSkewType;
  if (skew !== undefined) return [{ type, status: 'True', reason: 'TooFarApart', message: skew }];
  if (!getCondition(before, type)) return [];
  return [{ type, status: 'False', reason: 'Compatible', message: 'Runner and host work together.' }];
}

/**
 * What a Node shows when its runner says `reported`: with a skew it is not Ready, also when the runner is too old to know
 * of skews. `before` keeps the times of what has not changed.
 */
export function withVersionSkew(
  reported: Condition[] | undefined,
  before: readonly Condition[] | undefined,
  skew: string | undefined,
  now: string,
): Condition[] | undefined {
  let conditions = reported;
  for (const condition of versionSkewConditions(skew, before))
    conditions = setCondition(conditions, condition, now);
  if (skew === undefined || !isConditionTrue(conditions, 'Ready')) return conditions;
  const old = getCondition(before, 'Ready');
  const others = conditions?.filter(({ type }) => type !== 'Ready') ?? [];
  return [...setCondition(old && [old], notReadyFor(skew), now), ...others];
}

export function notReadyFor(skew: string): NewCondition {
  return { type: 'Ready', status: 'False', reason: versionSkewType, message: skew };
}

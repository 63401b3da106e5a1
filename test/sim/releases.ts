import type { Rng } from '../../pkg/base/index.ts';
import { chance, pick } from './world.ts';

/** Host and runners are upgraded, and sometimes put back, one after the other. */
export const hostVersions = ['1.4.0', '1.5.0'];
/** Work with every host. */
export const goodVersions = ['1.4.2', '1.5.1'] as const;

/** Mostly one that works with every host. */
export function runnerVersion(rng: Rng): string {
  return pick(rng, chance(rng, 0.8) ? goodVersions : ['1.3.0', '1.6.0']);
}

/** Whether a runner and a host may work together: no more than a minor version apart. */
export function workTogether(runner: string | undefined, host: string): boolean {
  const minor = (version: string) => Number(version.split('.')[1]);
  return runner === undefined || Math.abs(minor(runner) - minor(host)) <= 1;
}

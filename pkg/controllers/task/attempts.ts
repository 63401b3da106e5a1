import type { Run } from '../../api/index.ts';

/** One more Run for an ordinal whose last one has ended. */
export interface NextAttempt {
  /** The Run that has ended. */
  after: Run;
  attempt: number;
}

/** The last attempt of every ordinal, in the order of the ordinals: those before it are history. */
export function lastAttempts(runs: readonly Run[]): Run[] {
  const last = new Map<number, Run>();
  for (const run of runs) {
    const known = last.get(run.spec.ordinal);
    if (!known || run.spec.attempt > known.spec.attempt) last.set(run.spec.ordinal, run);
  }
  return [...last.values()].sort((left, right) => left.spec.ordinal - right.spec.ordinal);
}

/** What follows a Run that has ended: undefined when this end is the last word. */
export function nextAttempt(run: Run): NextAttempt | undefined {
  const { phase, reason } = run.status ?? {};
  const attempt = run.spec.attempt + 1;
  // Its program was never started: the node gave it back because the Task was suspended.
  if (phase === 'Stopped' && reason === 'Suspended') return { after: run, attempt };
  return undefined;
}

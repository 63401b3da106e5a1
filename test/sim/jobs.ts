import { fork } from 'node:child_process';
import { join } from 'node:path';
import type { Outcome } from './scenario.ts';

export interface SeedRange {
  first: number;
  last: number;
}

/** Hardly anything outlives its seed: with room for it, what is young dies young, and is never copied. MiB. */
const jobFlags = ['--max-semi-space-size=64'];

/** What a process of `main.ts --report` sends for each seed. */
export type SeedReport = Pick<Outcome, 'seed' | 'violation' | 'counts'>;

export interface Summary {
  seeds: number;
  /** By seed, ascending. */
  failed: { seed: number; violation: string }[];
  /** How often each thing happened, over all seeds. */
  counts: Map<string, number>;
}

export function emptySummary(): Summary {
  return { seeds: 0, failed: [], counts: new Map() };
}

export function addReport(summary: Summary, { seed, violation, counts }: SeedReport): void {
  summary.seeds += 1;
  if (violation) summary.failed.push({ seed, violation });
  for (const [what, times] of Object.entries(counts))
    summary.counts.set(what, (summary.counts.get(what) ?? 0) + times);
}

/** Runs seeds in processes of their own, one a job: job J of N takes every Nth seed. */
export async function runSeeds(range: SeedRange, jobs: number): Promise<Summary> {
  const summary = emptySummary();
  const shares = Array.from({ length: jobs }, (_, index) => ({
    first: range.first + index,
    last: range.last,
    step: jobs,
  }));
  await Promise.all(shares.map((share) => runShare(share, (report) => addReport(summary, report))));
  summary.failed.sort((left, right) => left.seed - right.seed);
  return summary;
}

function runShare(
  { first, last, step }: SeedRange & { step: number },
  told: (report: SeedReport) => void,
): Promise<void> {
  const range = ['--seeds', `${first}..${last}`, '--step', String(step), '--report'];
  return new Promise((resolve, reject) => {
    const child = fork(join(import.meta.dirname, 'main.ts'), range, { execArgv: jobFlags });
    child.on('message', (message) => told(message as SeedReport));
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      if (code === 0) resolve();
      else reject(new Error(`a process of the simulator ended with ${signal ?? code}`));
    });
  });
}

/** One line for each thing that happened, most often first. */
export function coverageLines({ counts, seeds }: Summary): string[] {
  return [...counts]
    .sort(([, left], [, right]) => right - left)
    .map(
      ([what, times]) =>
        `${String(times).padStart(9)}  ${(times / seeds).toFixed(2).padStart(8)} a seed  ${what}`,
    );
}

import { parseArgs } from 'node:util';
import { type Outcome, runSeed } from './scenario.ts';

/**
 * `npm run sim -- --seed 7 --trace` replays one seed, with everything that happens; `--seeds 1..1000` runs many
 * and prints the seeds that fail. Exit code 1 when one does.
 */
const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    seeds: { type: 'string' },
    trace: { type: 'boolean', default: false },
  },
});

function seedsOf(text: string): { first: number; last: number } {
  const match = /^(\d+)(?:\.\.(\d+))?$/.exec(text);
  if (!match) throw new Error(`--seed N or --seeds A..B, not ${text}`);
  return { first: Number(match[1]), last: Number(match[2] ?? match[1]) };
}

function report(outcome: Outcome): void {
  const { seed, violation, traceHash, virtualMs, steps, writes } = outcome;
  const what = violation ? `FAILED ${violation}` : 'ok';
  console.log(
    `seed ${seed} ${what} (${Math.round(virtualMs / 60_000)} virtual minutes, ${steps} steps, ${writes} writes, trace ${traceHash})`,
  );
}

const { first, last } = seedsOf(values.seed ?? values.seeds ?? '1..100');
const failed: number[] = [];
const startedAt = Date.now();
for (let seed = first; seed <= last; seed += 1) {
  const print = values.trace ? (line: string) => console.log(line) : undefined;
  const outcome = await runSeed({ seed, print });
  if (outcome.violation) failed.push(seed);
  if (outcome.violation || first === last) report(outcome);
}
const seconds = (Date.now() - startedAt) / 1000;
const count = last - first + 1;
console.log(
  `${count} seeds in ${seconds.toFixed(1)} s, ${(count / seconds).toFixed(1)} a second, ${failed.length} failed`,
);
if (failed.length > 0) {
  console.log(`replay one with: npm run sim -- --seed ${failed[0]} --trace`);
  process.exitCode = 1;
}

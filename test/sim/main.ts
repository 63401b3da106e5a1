import { parseArgs } from 'node:util';
import { simulateHour } from './hour.ts';
import { addReport, coverageLines, emptySummary, runSeeds, type SeedRange, type Summary } from './jobs.ts';
import { type Outcome, runSeed } from './scenario.ts';

/**
 * `npm run sim -- --seed 7 --trace` replays one seed, with everything that happens; `--seeds 1..5000 --jobs 2` runs
 * many, prints those that fail and, with `--coverage`, how often what happened. `--until-failure` stops at the first
 * that fails. Exit code 1 when one does. `--hour` says how long one virtual hour of twenty nodes takes.
 */
const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    seeds: { type: 'string' },
    jobs: { type: 'string', default: '1' },
    trace: { type: 'boolean', default: false },
    hour: { type: 'boolean', default: false },
    coverage: { type: 'boolean', default: false },
    'until-failure': { type: 'boolean', default: false },
    /** Of a job: every so many seeds, and one message for each to the process that started it. */
    step: { type: 'string', default: '1' },
    report: { type: 'boolean', default: false },
  },
});

function seedsOf(text: string): SeedRange {
  const match = /^(\d+)(?:\.\.(\d+))?$/.exec(text);
  if (!match) throw new Error(`--seed N or --seeds A..B, not ${text}`);
  return { first: Number(match[1]), last: Number(match[2] ?? match[1]) };
}

function describe({ seed, violation, traceHash, virtualMs, steps, writes }: Outcome): string {
  const what = violation ? `FAILED ${violation}` : 'ok';
  return `seed ${seed} ${what} (${Math.round(virtualMs / 60_000)} virtual minutes, ${steps} steps, ${writes} writes, trace ${traceHash})`;
}

async function runHere({ first, last }: SeedRange): Promise<Summary> {
  const summary = emptySummary();
  const print = values.trace ? (line: string) => console.log(line) : undefined;
  for (let seed = first; seed <= last; seed += Number(values.step)) {
    const outcome = await runSeed({ seed, print });
    const { violation, counts } = outcome;
    addReport(summary, outcome);
    if (values.report) process.send?.({ seed, violation, counts });
    else if (first === last) console.log(describe(outcome));
    if (violation && values['until-failure']) break;
  }
  return summary;
}

function tell(summary: Summary, seconds: number): void {
  for (const { seed, violation } of summary.failed) console.log(`seed ${seed} FAILED ${violation}`);
  if (values.coverage) console.log(coverageLines(summary).join('\n'));
  const rate = (summary.seeds / seconds).toFixed(1);
  console.log(
    `${summary.seeds} seeds in ${seconds.toFixed(1)} s, ${rate} a second, ${summary.failed.length} failed`,
  );
  const [first] = summary.failed;
  if (!first) return;
  console.log(`replay one with: npm run sim -- --seed ${first.seed} --trace`);
  process.exitCode = 1;
}

async function hour(): Promise<void> {
  const { realMs, cpuMs, runs, steps, violation } = await simulateHour(1);
  const times = `${(realMs / 1000).toFixed(2)} s, ${(cpuMs / 1000).toFixed(2)} s of a processor`;
  console.log(`a virtual hour of 20 nodes: ${times} (${runs} runs, ${steps} steps)`);
  if (!violation) return;
  console.log(`FAILED ${violation}`);
  process.exitCode = 1;
}

async function seeds(): Promise<void> {
  const range = seedsOf(values.seed ?? values.seeds ?? '1..100');
  const startedAt = performance.now();
  const jobs = Number(values.jobs);
  const summary = jobs > 1 ? await runSeeds(range, jobs) : await runHere(range);
  if (!values.report) tell(summary, (performance.now() - startedAt) / 1000);
}

// Every refusal is an error, and to note where it was raised takes longer than to raise it; a replay notes it again.
if (values.report) Error.stackTraceLimit = 0;

await (values.hour ? hour() : seeds());

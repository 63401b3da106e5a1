import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Caught, catchBreakage, snapshot } from './breakage.ts';
import { type Breakage, breakages } from './mutations.ts';

/**
 * `node test/sim/mutate.ts` breaks every guarantee of `mutations.ts`, one at a time, in copies of the tree as it is now,
 * and looks for a seed that notices: first the one on record, then from the first on. At the end all go into
 * `mutations.json`, and as a table into the README. `--only WORDS` does those whose names have these words, `--missing`
 * those of which no seed is known. Exit code 1 when a breakage goes unnoticed.
 */
const { values } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    last: { type: 'string', default: '5000' },
    jobs: { type: 'string', default: String(availableParallelism()) },
    missing: { type: 'boolean', default: false },
  },
});

interface Row {
  name: string;
  seed?: number;
  showed?: string;
}

const recordFile = join(import.meta.dirname, 'mutations.json');
const readmeFile = join(import.meta.dirname, 'README.md');
const known = JSON.parse(readFileSync(recordFile, 'utf8')) as Row[];
const rows = new Map(known.map((row) => [row.name, row]));
const seedOf = ({ name }: Breakage) => rows.get(name)?.seed;
const waiting = breakages
  .filter((breakage) => breakage.name.includes(values.only))
  .filter((breakage) => !values.missing || seedOf(breakage) === undefined)
  // What takes longest is begun first.
  .sort((left, right) => (seedOf(right) ?? 1e9) - (seedOf(left) ?? 1e9));
const total = waiting.length;
const startedAt = performance.now();
let done = 0;

async function work(tree: string): Promise<void> {
  for (let next = waiting.shift(); next; next = waiting.shift()) await tryOut(next, tree);
}

async function tryOut(breakage: Breakage, tree: string): Promise<void> {
  const { name } = breakage;
  const seed = seedOf(breakage);
  const ranges = [...(seed === undefined ? [] : [`${seed}..${seed}`]), `1..${values.last}`];
  const before = performance.now();
  try {
    const caught = await catchBreakage(breakage, ranges, tree);
    rows.set(name, { name, ...(caught && { seed: caught.seed, showed: shortened(caught.violation) }) });
    tell(name, before, caught);
  } catch (error) {
    process.exitCode = 1;
    tell(name, before, undefined, String(error));
  }
}

function tell(name: string, before: number, caught: Caught | undefined, error = 'NOT NOTICED'): void {
  done += 1;
  const seconds = (since: number) => `${Math.round((performance.now() - since) / 1000)} s`;
  const what = caught ? `seed ${caught.seed}: ${caught.violation}` : error;
  console.log(`[${done}/${total}, ${seconds(startedAt)}] ${name} (${seconds(before)}): ${what}`);
}

function shortened(text: string): string {
  return text.length > 110 ? `${text.slice(0, 110)}…` : text;
}

function tableOf(table: readonly Row[]): string {
  const lines = table.map(
    ({ name, seed, showed }) =>
      `| ${name} | ${seed ?? '**none** yet'} | ${(showed ?? '').replaceAll('|', '/')} |`,
  );
  return ['| broken | seed | what it showed |', '|---|---|---|', ...lines].join('\n');
}

function save(): void {
  const table = breakages.map(({ name }) => rows.get(name) ?? { name });
  writeFileSync(recordFile, `${JSON.stringify(table, null, 2)}\n`);
  const readme = readFileSync(readmeFile, 'utf8');
  const start = '<!-- mutations -->';
  const end = '<!-- /mutations -->';
  const before = readme.slice(0, readme.indexOf(start) + start.length);
  const after = readme.slice(readme.indexOf(end));
  writeFileSync(readmeFile, `${before}\n\n${tableOf(table)}\n\n${after}`);
}

const tree = snapshot();
await Promise.all(Array.from({ length: Number(values.jobs) }, () => work(tree)));
rmSync(tree, { recursive: true, force: true });
save();
if (breakages.some((breakage) => seedOf(breakage) === undefined)) process.exitCode = 1;

import { readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { catchBreakage } from './breakage.ts';
import { breakages } from './mutations.ts';

/**
 * `node test/sim/mutate.ts` breaks every guarantee of `mutations.ts`, one at a time, in a copy of the product, and
 * looks for the first seed that notices: into `mutations.json`, and as a table into the README. `--only WORDS` does
 * those whose names have these words, `--missing` those of which no seed is known. Exit code 1 when a breakage goes unnoticed.
 */
const { values } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    last: { type: 'string', default: '2000' },
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
const waiting = breakages.filter(
  ({ name }) => name.includes(values.only) && !(values.missing && rows.get(name)?.seed !== undefined),
);

async function work(): Promise<void> {
  for (let next = waiting.shift(); next; next = waiting.shift()) {
    const { name } = next;
    try {
      const caught = await catchBreakage(next, `1..${values.last}`);
      rows.set(name, { name, ...(caught && { seed: caught.seed, showed: shortened(caught.violation) }) });
      save();
      console.log(`${name}: ${caught ? `seed ${caught.seed}: ${caught.violation}` : 'NOT NOTICED'}`);
    } catch (error) {
      process.exitCode = 1;
      console.log(`${name}: ${error}`);
    }
  }
}

function shortened(text: string): string {
  return text.length > 110 ? `${text.slice(0, 110)}…` : text;
}

function tableOf(table: readonly Row[]): string {
  const lines = table.map(
    ({ name, seed, showed }) =>
      `| ${name} | ${seed ?? '**none** yet'} | ${(showed ?? '').replaceAll('|', '/')} |`,
  );
  return ['| broken | first seed | what it showed |', '|---|---|---|', ...lines].join('\n');
}

function save(): void {
  const table = breakages.flatMap(({ name }) => rows.get(name) ?? []);
  writeFileSync(recordFile, `${JSON.stringify(table, null, 2)}\n`);
  const readme = readFileSync(readmeFile, 'utf8');
  const start = '<!-- mutations -->';
  const end = '<!-- /mutations -->';
  const before = readme.slice(0, readme.indexOf(start) + start.length);
  const after = readme.slice(readme.indexOf(end));
  writeFileSync(readmeFile, `${before}\n\n${tableOf(table)}\n\n${after}`);
}

await Promise.all(Array.from({ length: availableParallelism() }, work));
save();
if (breakages.some(({ name }) => rows.get(name)?.seed === undefined)) process.exitCode = 1;

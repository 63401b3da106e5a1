/**
 * `npm test`: every check of the house in order, one line a stage, the counts last. `npm test -- unit sim` runs
 * only the named stages. What the machine cannot run is named at the end; with RIVER_TEST_ALL=1 leaving
 * anything out is a failure.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

interface Outcome {
  passed: number;
  failed: number;
  skipped: string[];
}

const root = join(import.meta.dirname, '..');
const everything = process.env.RIVER_TEST_ALL === '1';
const scratch = mkdtempSync(join(tmpdir(), 'river-test-run-'));
const bin = (name: string) => join(root, 'node_modules/.bin', name);

let running: ChildProcess | undefined;
let interrupted = false;
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => {
    interrupted = true;
    running?.kill(signal);
  });

function run(command: string, args: string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: root, stdio: 'inherit', env: process.env });
    running = child;
    child.once('error', reject);
    child.once('exit', (code, signal) => resolve(signal ? 1 : (code ?? 1)));
  });
}

function check(command: string, ...args: string[]): () => Promise<Outcome> {
  return async () => {
    const code = await run(command, args);
    return { passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1, skipped: [] };
  };
}

interface VitestReport {
  numPassedTests: number;
  numFailedTests: number;
  numFailedTestSuites: number;
  testResults: { assertionResults: { status: string; fullName: string }[] }[];
}

/** One vitest project; files that fail to load count as a failure even when none of their tests ran. */
function vitest(project: string): () => Promise<Outcome> {
  return async () => {
    const report = join(scratch, `${project}.json`);
    const code = await run(bin('vitest'), [
      'run',
      '--project',
      project,
      '--reporter=dot',
      '--reporter=json',
      `--outputFile.json=${report}`,
    ]);
    let result: VitestReport;
    try {
      result = JSON.parse(readFileSync(report, 'utf8'));
    } catch {
      return { passed: 0, failed: 1, skipped: [] };
    }
    const skipped = result.testResults
      .flatMap((file) => file.assertionResults)
      .filter((test) => test.status === 'skipped' || test.status === 'pending')
      .map((test) => `${project}: ${test.fullName}`);
    const failed = Math.max(result.numFailedTests, code === 0 ? 0 : 1);
    return { passed: result.numPassedTests, failed, skipped };
  };
}

const stages: Record<string, () => Promise<Outcome>> = {
  setup: check('bash', 'test/env/setup.sh'),
  lint: check(bin('biome'), 'ci', '.'),
  types: check(bin('tsc'), '--noEmit'),
  generated: check(bin('node'), 'test/env/generate.ts', '--check'),
  build: check(bin('node'), 'test/env/build.ts'),
  unit: vitest('unit'),
  contract: vitest('contract'),
  sim: vitest('sim'),
  integration: vitest('integration'),
  e2e: vitest('e2e'),
};

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !(name in stages));
if (unknown.length > 0) {
  console.error(`no stage named ${unknown.join(', ')}; there are: ${Object.keys(stages).join(', ')}`);
  process.exit(2);
}

const total: Outcome = { passed: 0, failed: 0, skipped: [] };
const lines: string[] = [];
for (const [name, stage] of Object.entries(stages)) {
  if (interrupted) break;
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  console.log(`\n== ${name}`);
  const started = performance.now();
  const outcome = await stage();
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  lines.push(
    `${name.padEnd(12)} ${outcome.passed} passed, ${outcome.failed} failed, ${outcome.skipped.length} left out (${seconds} s)`,
  );
  total.passed += outcome.passed;
  total.failed += outcome.failed;
  total.skipped.push(...outcome.skipped);
}
rmSync(scratch, { recursive: true, force: true });

console.log(`\n${lines.join('\n')}`);
if (total.skipped.length > 0) {
  console.log(`\nLeft out on this machine:\n  ${total.skipped.join('\n  ')}`);
  if (everything) total.failed += total.skipped.length;
}
console.log(`\n${total.passed} passed, ${total.failed} failed`);
process.exitCode = total.failed === 0 && total.passed > 0 && !interrupted ? 0 : 1;

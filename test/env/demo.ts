/**
 * `npm run demo`: what a newcomer sees first. Starts `river dev` with an empty home, applies an example through the
 * real command, shows how its run goes, its output and its task, and stops. Ends with 1 when any of it fails.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const root = join(import.meta.dirname, '../..');
const river = join(root, 'dist/river.js');
const example = 'manifests/examples/hello.yaml';
const home = mkdtempSync(join(tmpdir(), 'river-demo-'));
const env: NodeJS.ProcessEnv = { ...process.env, HOME: home };
delete env.RIVER_CONFIG;

function start(...args: string[]): ChildProcess {
  return spawn(process.execPath, [river, ...args], { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] });
}

/** Resolves when the program has said `word`; rejects when it ends before, or takes too long. */
function said(child: ChildProcess, word: string): Promise<void> {
  return new Promise((resolve, reject) => {
    let text = '';
    const limit = setTimeout(() => reject(new Error(`"${word}" did not come within 60 s`)), 60_000);
    const end = (error?: Error) => {
      clearTimeout(limit);
      if (error) reject(error);
      else resolve();
    };
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        text += chunk.toString();
        if (text.includes(word)) end();
      });
    }
    child.once('exit', (code) => end(new Error(`it ended with ${code} before it said "${word}"`)));
  });
}

function showOutput(child: ChildProcess): void {
  child.stdout?.pipe(process.stdout, { end: false });
  child.stderr?.pipe(process.stderr, { end: false });
}

/** Shows a command as it would be typed, and its output; throws when it fails. */
async function show(...args: string[]): Promise<void> {
  process.stdout.write(`\n$ river ${args.join(' ')}\n`);
  const child = start(...args);
  showOutput(child);
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`river ${args[0]} ended with ${code}`);
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGTERM');
  await once(child, 'exit');
}

async function build(): Promise<void> {
  const child = spawn(process.execPath, [join(root, 'test/env/build.ts')], { cwd: root, stdio: 'inherit' });
  const [code] = await once(child, 'close');
  if (code !== 0 || !existsSync(river)) throw new Error('the build failed');
}

async function demo(): Promise<void> {
  await build();
  process.stdout.write('$ river dev --port 0\n');
  const children = [start('dev', '--port', '0')];
  const [dev] = children;
  if (!dev) return;
  showOutput(dev);
  try {
    await said(dev, 'Ready');
    const watch = start('get', 'runs', '-w');
    children.unshift(watch);
    const finished = said(watch, 'Succeeded');
    await said(watch, 'No runs found');
    await show('apply', '-f', example);
    process.stdout.write('\n$ river get runs -w\n');
    showOutput(watch);
    await finished;
    await show('wait', 'task/hello', '--for', 'condition=Complete', '--timeout', '30s');
    await show('logs', 'task/hello');
    await show('get', 'tasks', '-o', 'wide');
  } finally {
    for (const child of children) await stop(child);
  }
}

try {
  await demo();
  process.stdout.write('\nThat was River. Now "npx river dev" in one terminal, and the README in another.\n');
} catch (error) {
  process.stderr.write(`\nThe demo failed: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
} finally {
  rmSync(home, { recursive: true, force: true });
}

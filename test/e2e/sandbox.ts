import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Run } from '../../pkg/api/index.ts';
import { realClock } from '../../pkg/base/index.ts';
import {
  type ConnectionEntry,
  createHttpClient,
  type HttpClient,
  readKubeconfig,
} from '../../pkg/client/index.ts';
import { root } from '../env/bundle.ts';

export { root };

/** Where the examples are; `example` is how a test names the one that it runs. */
export const examples = join(root, 'manifests/examples');

export function example(name: string): string {
  return join(examples, name);
}

/** Where bundles of this run are; among them the programs as they are installed, from the sources of this moment. */
export const bundles = process.env.RIVER_TEST_BUNDLES ?? '';
const programs = join(bundles, 'programs');

const entries = {
  river: 'river.js',
  host: 'river-host.js',
  runner: 'river-runner.js',
  riverun: 'riverun.js',
};
export type Program = keyof typeof entries;

export interface Outcome {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** A program that goes on by itself: what it has said so far, and how to end it. */
export class Running {
  readonly child: ChildProcess;
  stdout = '';
  stderr = '';
  readonly ended: Promise<number | null>;

  constructor(child: ChildProcess) {
    this.child = child;
    child.stdout?.on('data', (chunk: Buffer) => {
      this.stdout += chunk.toString();
    });
    child.stderr?.on('data', (chunk: Buffer) => {
      this.stderr += chunk.toString();
    });
    this.ended = once(child, 'close').then(([code]) => code as number | null);
  }

  get alive(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  /** Until standard output or standard error holds `text`. */
  async says(text: string, deadlineMs = 30_000): Promise<void> {
    await eventually(`"${text}"`, deadlineMs, () => {
      if (this.stdout.includes(text) || this.stderr.includes(text)) return true;
      if (!this.alive) throw new Ended(`it ended before it said "${text}":\n${this.stdout}${this.stderr}`);
      return false;
    });
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    if (this.alive) this.child.kill(signal);
    return this.ended;
  }
}

class Ended extends Error {}

/** Asks until `condition` answers true; what it throws counts as not yet, and is told at the deadline. */
export async function eventually(
  what: string,
  deadlineMs: number,
  condition: () => boolean | Promise<boolean>,
): Promise<void> {
  const deadline = performance.now() + deadlineMs;
  let last: unknown;
  while (performance.now() < deadline) {
    try {
      if (await condition()) return;
    } catch (error) {
      if (error instanceof Ended) throw error;
      last = error;
    }
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
  throw new Error(`waited ${deadlineMs} ms for ${what}`, { cause: last });
}

const pollMs = 20;

/** An empty home and the programs run in it, as a person would run them. */
export class Sandbox {
  readonly folder = mkdtempSync(join(tmpdir(), 'river-e2e-'));
  readonly home = join(this.folder, 'home');
  readonly env: NodeJS.ProcessEnv;
  readonly #running: Running[] = [];
  readonly #clients: HttpClient[] = [];
  /** What a command begins with, as in `nsenter`: it must become the program, so that it can be ended by its pid. */
  by: readonly string[] = [];

  constructor(env: NodeJS.ProcessEnv = {}) {
    mkdirSync(this.home);
    const { RIVER_CONFIG: _, NO_COLOR: __, ...inherited } = process.env;
    this.env = { ...inherited, HOME: this.home, ...env };
  }

  path(...parts: string[]): string {
    return join(this.folder, ...parts);
  }

  /** Writes a file into the sandbox and answers its path. */
  write(name: string, text: string, mode = 0o600): string {
    writeFileSync(this.path(name), text, { mode });
    return this.path(name);
  }

  /** `from`: where other bundles are than those of this run. */
  start(program: Program, args: readonly string[], env: NodeJS.ProcessEnv = {}, from = programs): Running {
    const [command = '', ...words] = [...this.by, process.execPath, join(from, entries[program]), ...args];
    const child = spawn(command, words, {
      cwd: this.folder,
      env: { ...this.env, ...env },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const running = new Running(child);
    this.#running.push(running);
    return running;
  }

  /** Runs a command to its end. */
  async run(program: Program, args: readonly string[], input = ''): Promise<Outcome> {
    const running = this.start(program, args);
    running.child.stdin?.end(input);
    const code = await running.ended;
    return { code, stdout: running.stdout, stderr: running.stderr };
  }

  river(...args: string[]): Promise<Outcome> {
    return this.run('river', args);
  }

  /** Standard output of a command that must succeed. */
  async ok(...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.river(...args);
    if (code !== 0) throw new Error(`river ${args.join(' ')} ended with ${code}: ${stderr}${stdout}`);
    return stdout;
  }

  async object<T>(...args: string[]): Promise<T> {
    return JSON.parse(await this.ok('get', ...args, '-o', 'json')) as T;
  }

  /** First attempts first. */
  async runsOf(task: string): Promise<Run[]> {
    const { items } = await this.object<{ items: Run[] }>('runs', '-l', `river.dev/task=${task}`);
    return items.sort((left, right) => left.spec.attempt - right.spec.attempt);
  }

  /** Of a task that has just one. */
  async runOf(task: string): Promise<Run> {
    const [run, ...more] = await this.runsOf(task);
    if (run === undefined || more.length > 0) throw new Error(`task ${task} has not just one run`);
    return run;
  }

  /** What the commands know of their host. */
  kubeconfig(): Promise<ConnectionEntry> {
    return readKubeconfig(join(this.home, '.river/config'));
  }

  /** For what is asked so often that a program for each question would be most of the time; closed with the sandbox. */
  async client(): Promise<HttpClient> {
    const client = createHttpClient({ ...(await this.kubeconfig()), clock: realClock });
    this.#clients.push(client);
    return client;
  }

  async apply(manifest: object): Promise<string> {
    const { code, stdout, stderr } = await this.run('river', ['apply', '-f', '-'], JSON.stringify(manifest));
    if (code !== 0) throw new Error(stderr);
    return stdout;
  }

  /** `river dev` on a free port, ready for work. Again on the same state: what was there goes on. */
  async dev(...args: string[]): Promise<Running> {
    const dev = this.start('river', ['dev', '--port', '0', ...args]);
    await dev.says('Ready');
    return dev;
  }

  /** Ends what is still running, and removes everything; in between, `release` lets go of what holds the folder. */
  async close(release: () => void = () => {}): Promise<void> {
    for (const client of this.#clients) client.close();
    for (const running of this.#running.reverse()) {
      // Asked to end, it takes its empty control groups away.
      running.child.kill('SIGTERM');
      const killer = setTimeout(() => running.child.kill('SIGKILL'), 10_000);
      await running.ended;
      clearTimeout(killer);
    }
    release();
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

export function task(name: string, spec: object): object {
  return { apiVersion: 'river.dev/v1', kind: 'Task', metadata: { name }, spec };
}

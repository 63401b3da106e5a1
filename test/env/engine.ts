/**
 * A real Docker Engine for tests: the one that RIVER_TEST_DOCKER_SOCKET names, else one that is started here in a network
 * namespace of its own (two engines in one namespace take each other's bridge away). Never the machine's own unasked:
 * hosts that collect what they do not need would take away what a River of that machine has built. For the same reason
 * each worker of vitest has an engine of its own.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { realClock, sleep } from '../../pkg/base/index.ts';
import { removeRemains } from './remains.ts';

const run = promisify(execFile);
const startWithinMs = 60_000;

/** Debian's static busybox with a link for each of its commands; no default command. */
export const testImage = 'river-test/busybox:1';

/** Names the folder of all that is temporary in one run of vitest: engines in it end with the run, see vitest-setup.ts. */
export const runFolderVariable = 'RIVER_TEST_FOLDER';

export interface TestEngine {
  socketPath: string;
  image: string;
  /** Ends the engine when it was started here. */
  release(): Promise<void>;
}

export interface OwnEngine {
  socketPath: string;
  folder: string;
  pid: number;
}

async function answers(socketPath: string): Promise<boolean> {
  return run('docker', ['-H', `unix://${socketPath}`, 'info']).then(
    () => true,
    () => false,
  );
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Starts an engine that outlives this process: end it with `stopEngine`. `more`: arguments of dockerd. */
export async function startEngine(more: readonly string[] = []): Promise<OwnEngine> {
  const folder = mkdtempSync(join(tmpdir(), 'river-engine-'));
  mkdirSync(join(folder, 'data'));
  try {
    return await startEngineIn(folder, more);
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
}

/** On what an engine before has left: it must have ended, and is a zombie where nobody reaps. */
export async function startEngineIn(folder: string, more: readonly string[] = []): Promise<OwnEngine> {
  for (const stale of ['pid', 'exec/containerd/containerd.pid']) rmSync(join(folder, stale), { force: true });
  const log = openSync(join(folder, 'log'), 'a');
  const child = spawn(
    'unshare',
    [
      '--net',
      'sh',
      '-c',
      'busybox ip link set lo up; exec dockerd "$@"',
      'sh',
      ...daemonArguments(folder),
      ...more,
    ],
    {
      detached: true,
      stdio: ['ignore', log, log],
      env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` },
    },
  );
  closeSync(log);
  child.unref();
  await untilReady(child, folder);
  return { socketPath: join(folder, 'docker.sock'), folder, pid: child.pid ?? 0 };
}

function daemonArguments(folder: string): string[] {
  return [
    ...[
      '--data-root',
      join(folder, 'data'),
      '--exec-root',
      join(folder, 'exec'),
      '--pidfile',
      join(folder, 'pid'),
    ],
    ...['--host', `unix://${join(folder, 'docker.sock')}`, '--iptables=false', '--bridge=none'],
  ];
}

async function untilReady(child: ChildProcess, folder: string): Promise<void> {
  let failed = false;
  child.once('error', () => {
    failed = true;
  });
  const deadline = realClock.monotonic() + startWithinMs;
  while (!(await answers(join(folder, 'docker.sock')))) {
    if (failed || child.exitCode !== null || realClock.monotonic() > deadline) {
      const log = readFileSync(join(folder, 'log'), 'utf8').trim().split('\n').slice(-3).join('\n');
      if (child.pid !== undefined && isAlive(child.pid)) process.kill(child.pid, 'SIGKILL');
      throw new Error(`dockerd could not be started: ${log}`);
    }
    await sleep(realClock, 100);
  }
}

/** Kills dockerd, and with it its containerd; `startEngineIn` brings both back. */
export async function killEngine({ pid, folder }: OwnEngine): Promise<void> {
  const containerd = Number(readFileSync(join(folder, 'exec/containerd/containerd.pid'), 'utf8'));
  process.kill(pid, 'SIGKILL');
  while (runs(pid) || runs(containerd)) await sleep(realClock, 10);
}

/** Unlike `isAlive` false for one that has ended and is not waited for. */
function runs(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`).length > 0;
  } catch {
    return false;
  }
}

/** Ends everything that it runs, then it, by its pid; its data goes too. */
export async function stopEngine(engine: OwnEngine): Promise<void> {
  const docker = (...args: string[]) =>
    run('docker', ['-H', `unix://${engine.socketPath}`, ...args], { timeout: startWithinMs });
  const { stdout } = await docker('ps', '-aq').catch(() => ({ stdout: '' }));
  const ids = stdout.split('\n').filter(Boolean);
  if (ids.length > 0) await docker('rm', '-f', ...ids).catch(() => {});
  if (runs(engine.pid)) process.kill(engine.pid, 'SIGTERM');
  const deadline = realClock.monotonic() + startWithinMs;
  while (runs(engine.pid)) {
    if (realClock.monotonic() > deadline) process.kill(engine.pid, 'SIGKILL');
    await sleep(realClock, 50);
  }
  await removeRemains(engine.folder);
  rmSync(engine.folder, { recursive: true, force: true, maxRetries: 5 });
}

/** For one that another process has started, and that may not be ready yet. */
export async function stopEngineIn(folder: string): Promise<void> {
  const pidFile = join(folder, 'pid');
  const pid = existsSync(pidFile) ? Number(readFileSync(pidFile, 'utf8')) : 0;
  await stopEngine({ folder, socketPath: join(folder, 'docker.sock'), pid });
}

/** Makes the image once for each engine; nothing is pulled. */
export async function makeTestImage(socketPath: string): Promise<void> {
  const host = ['-H', `unix://${socketPath}`];
  const found = await run('docker', [...host, 'image', 'inspect', testImage]).catch(() => undefined);
  if (found) return;
  const root = mkdtempSync(join(tmpdir(), 'river-image-'));
  try {
    const make =
      'mkdir -p "$1/bin" "$1/tmp" && cp "$(command -v busybox)" "$1/bin/busybox" && ' +
      'for name in $(busybox --list); do [ "$name" = busybox ] || ln -s busybox "$1/bin/$name"; done && ' +
      'shift && tar -C "$ROOT" -c . | docker "$@"';
    const args = ['-c', make, 'sh', root, ...host, 'import', '-', testImage];
    await run('sh', args, { env: { ...process.env, ROOT: root } });
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

async function find(): Promise<TestEngine> {
  const socketPath = process.env.RIVER_TEST_DOCKER_SOCKET;
  if (socketPath !== undefined) {
    await makeTestImage(socketPath);
    return { socketPath, image: testImage, release: async () => {} };
  }
  if (process.getuid?.() !== 0)
    throw new Error(
      'only root can start a Docker Engine; RIVER_TEST_DOCKER_SOCKET may name one to be used up',
    );
  const folder = process.env[runFolderVariable];
  if (folder !== undefined) return engineOfWorker(join(folder, `worker-${process.env.VITEST_POOL_ID}`));
  const own = await startEngine();
  await makeTestImage(own.socketPath);
  return { socketPath: own.socketPath, image: testImage, release: () => stopEngine(own) };
}

/** Started by the first file that asks in this worker, for all that come after it: they come one after the other. */
async function engineOfWorker(record: string): Promise<TestEngine> {
  if (!existsSync(record)) {
    const own = await startEngine();
    await makeTestImage(own.socketPath);
    writeFileSync(record, own.socketPath);
  }
  return { socketPath: readFileSync(record, 'utf8'), image: testImage, release: async () => {} };
}

/** An engine with the test image, or why there is none. Raises instead when RIVER_TEST_ALL=1: then nothing may be left out. */
export async function withEngine(): Promise<
  { engine: TestEngine; skip?: undefined } | { engine?: undefined; skip: string }
> {
  try {
    return { engine: await find() };
  } catch (error) {
    if (process.env.RIVER_TEST_ALL === '1') throw error;
    const skip = error instanceof Error ? error.message : String(error);
    process.stderr.write(`tests with Docker are left out: ${skip}\n`);
    return { skip };
  }
}

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getCondition } from '../../pkg/api/index.ts';
import { realClock, sleep } from '../../pkg/base/index.ts';
import { type Client, createHttpClient, readKubeconfig } from '../../pkg/client/index.ts';
import { cpuSeconds, residentMegabytes } from './idle.ts';
import type { Row } from './statistics.ts';
import { eventually } from './wait.ts';

const runnersPerProcess = 100;
/** Without a write: then all that starting has caused is over. */
const quietMs = 15_000;

interface Fleet {
  host: ChildProcess;
  client: Client;
  /** Of the host's store. */
  directory: string;
  stop(): Promise<void>;
}

/**
 * `count` runners at rest against one host, over TLS, with heartbeats, watches and tunnels as they keep them: what they
 * cost the host, and what is written to its store meanwhile.
 */
export async function fleet(count: number, seconds: number): Promise<Row[]> {
  const { host, client, directory, stop } = await start(count);
  try {
    await settled(client, directory);
    const pid = host.pid ?? 0;
    const before = { cpu: cpuSeconds(pid), store: await storeState(client, directory) };
    await sleep(realClock, seconds * 1000);
    const percent = ((cpuSeconds(pid) - before.cpu) / seconds) * 100;
    const writes = changes(before.store, await storeState(client, directory));
    return [
      {
        what: `${count} runners at rest for ${seconds} s: host's CPU, % of a core; RSS`,
        river: `${percent.toFixed(2)} %, ${residentMegabytes(pid).toFixed(0)} MB`,
        goal: '< 5 %',
        met: percent < 5,
      },
      {
        what: `${count} runners at rest for ${seconds} s: writes to the store`,
        river: writes,
        goal: '0',
        met: writes === '0',
      },
    ];
  } finally {
    await stop();
  }
}

async function start(count: number): Promise<Fleet> {
  const folder = mkdtempSync(join(tmpdir(), 'river-fleet-'));
  const children: ChildProcess[] = [];
  const stop = async () => {
    for (const child of children.reverse()) await end(child);
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    const directory = join(folder, 'host');
    const host = startHost(folder, directory);
    children.push(host);
    let tunnels = 0;
    host.stderr?.on('data', (text: Buffer) => {
      tunnels += text.toString().split('"the tunnel of a node is open"').length - 1;
    });
    const config = join(folder, '.river/config');
    await eventually('the host', 20_000, async () => statSync(config).size > 0);
    const { server, ca, token } = await readKubeconfig(config);
    const client = createHttpClient({ server, ca, token, clock: realClock });
    for (let first = 0; first < count; first += runnersPerProcess)
      children.push(startRunners(folder, first, Math.min(runnersPerProcess, count - first), config));
    await eventually('all runners to be connected', 300_000, async () => {
      await sleep(realClock, 500);
      const { items } = await client.list('Node');
      const ready = items.filter(
        ({ status }) => getCondition(status?.conditions, 'Ready')?.status === 'True',
      );
      return ready.length === count && tunnels >= count;
    });
    return { host, client, directory, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function startHost(folder: string, directory: string): ChildProcess {
  const config = join(folder, 'host.yaml');
  writeFileSync(config, `stateDir: ${directory}\nlisten: {port: 0}\n`);
  const main = join(import.meta.dirname, '../../dist/river-host.js');
  return spawn(process.execPath, [main, '--config', config], {
    env: { ...process.env, HOME: folder },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
}

function startRunners(folder: string, first: number, count: number, config: string): ChildProcess {
  const program = join(import.meta.dirname, 'fleet-child.ts');
  return spawn(process.execPath, [program, folder, String(first), String(count), config], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGTERM');
  await once(child, 'exit');
}

async function settled(client: Client, directory: string): Promise<void> {
  let state = await storeState(client, directory);
  let since = performance.now();
  await eventually('the store to be at rest', 300_000, async () => {
    await sleep(realClock, 1_000);
    const now = await storeState(client, directory);
    if (changes(state, now) !== '0') since = performance.now();
    state = now;
    return performance.now() - since >= quietMs;
  });
}

interface StoreState {
  version: number;
  /** Size and time of change of each file of the database. */
  files: string;
}

async function storeState(client: Client, directory: string): Promise<StoreState> {
  const { resourceVersion } = await client.list('Node', { limit: 1 });
  const files = readdirSync(directory)
    .filter((name) => name.startsWith('river.db'))
    .map(
      (name) => `${name} ${statSync(join(directory, name)).size} ${statSync(join(directory, name)).mtimeMs}`,
    );
  return { version: Number(resourceVersion), files: files.join('\n') };
}

function changes(before: StoreState, after: StoreState): string {
  const versions = after.version - before.version;
  if (versions > 0) return String(versions);
  return before.files === after.files ? '0' : `files have changed: ${before.files} → ${after.files}`;
}

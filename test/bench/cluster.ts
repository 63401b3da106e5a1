import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { realClock } from '../../pkg/base/index.ts';
import { type Client, createHttpClient, readKubeconfig } from '../../pkg/client/index.ts';
import { eventually } from './wait.ts';

export interface BenchCluster {
  client: Client;
  /** Of the one process that is host and runner. */
  pid: number;
  stop(): Promise<void>;
  /** Round trips of a small request, from another thread, until `done` answers true. */
  pingUntil(done: () => boolean): Promise<number[]>;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  return typeof address === 'object' && address ? address.port : 0;
}

/** `river dev` as users get it, from dist/, with everything in a temporary folder. */
export async function startCluster(dockerSocket: string | undefined): Promise<BenchCluster> {
  const folder = mkdtempSync(join(tmpdir(), 'river-bench-'));
  const env = {
    ...process.env,
    HOME: folder,
    ...(dockerSocket ? { DOCKER_HOST: `unix://${dockerSocket}` } : {}),
  };
  const port = await freePort();
  const main = join(import.meta.dirname, '../../dist/river.js');
  const child: ChildProcess = spawn(
    process.execPath,
    [main, 'dev', '--port', String(port), '--state-dir', join(folder, 'state')],
    {
      env,
      stdio: ['ignore', 'ignore', 'inherit'],
    },
  );
  const config = join(folder, '.river/config');
  await eventually(
    'river dev to write its configuration',
    20_000,
    async () => readFileSync(config).length > 0,
  );
  const { server, ca, token } = await readKubeconfig(config);
  const client = createHttpClient({ server, ca, token, clock: realClock });
  await eventually('the node to be ready', 20_000, async () => {
    const { items } = await client.list('Node');
    return (
      items[0]?.status?.conditions?.some(
        (condition) => condition.type === 'Ready' && condition.status === 'True',
      ) ?? false
    );
  });
  return {
    client,
    pid: child.pid ?? 0,
    async stop() {
      child.kill('SIGTERM');
      if (child.exitCode === null) await once(child, 'exit');
      rmSync(folder, { recursive: true, force: true });
    },
    async pingUntil(done) {
      const worker = new Worker(join(import.meta.dirname, 'ping-worker.ts'), {
        workerData: { server, ca, token },
      });
      await once(worker, 'message');
      await eventually('the measured work to end', 120_000, async () => done());
      const answer = once(worker, 'message');
      worker.postMessage('stop');
      const [measured] = (await answer) as [number[]];
      await worker.terminate();
      return measured;
    },
  };
}

/** Measures a small request over and over, in a thread of its own so that the main one's parsing does not count. */
import { parentPort, workerData } from 'node:worker_threads';
import { realClock } from '../../pkg/base/index.ts';
import { createHttpClient } from '../../pkg/client/index.ts';

const { server, ca, token } = workerData as { server: string; ca: string; token: string };
const client = createHttpClient({ server, ca, token, clock: realClock });
let stopped = false;
parentPort?.on('message', () => {
  stopped = true;
});

const measured: number[] = [];
await client.list('Node', { limit: 1 });
parentPort?.postMessage('ready');
while (!stopped) {
  const from = performance.now();
  await client.list('Node', { limit: 1 });
  measured.push(performance.now() - from);
  await new Promise((resolve) => setImmediate(resolve));
}
parentPort?.postMessage(measured);

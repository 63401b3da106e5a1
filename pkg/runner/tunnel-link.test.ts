import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { ApiHost, admin, nodeOf } from '../../test/support/api-host.ts';
import { realClock, realRng, silentLogger } from '../base/index.ts';
import type { GatewayAddress } from '../client/index.ts';
import { RunnerCounters } from './counters.ts';
import { openIntents } from './intents.ts';
import { Runner } from './runner.ts';

const publicKey = `ssh-ed25519 ${'A'.repeat(68)}`;
let host: ApiHost;
afterEach(() => host.close());

/** A runner of n1 until it was told where the gateway is: what it was told, and the key that the host has by then. */
async function told(gateway?: GatewayAddress) {
  host = new ApiHost({ gateway });
  mkdirSync(join(host.folder, 'runner'));
  const intents = openIntents(join(host.folder, 'runner', 'runner.db'), realClock);
  const { promise: offered, resolve } = Promise.withResolvers<GatewayAddress | undefined>();
  const runner = new Runner({
    settings: {
      name: 'n1',
      labels: {},
      reserved: { cores: 0, memoryBytes: 0 },
      runtimes: [],
      localTempDir: '/tmp',
      logDir: '/tmp',
      stopGraceMs: 1,
      addresses: [],
      gpuDevices: {},
    },
    client: host.local(nodeOf('n1')),
    executors: () => [],
    intents,
    machine: {
      facts: () => ({ cores: 1, memoryBytes: 1, versions: {} }),
      topology: () => new Promise<never>(() => {}),
      usage: () => ({}),
    },
    readBootId: () => 'boot',
    folders: { ensureFolder: () => {}, removeFile: () => {} },
    tunnel: { publicKey, offered: resolve },
    clock: realClock,
    rng: realRng,
    logger: silentLogger,
    counters: new RunnerCounters(),
    onEnded: () => {},
  });
  runner.start();
  const address = await offered;
  const node = await host.local(admin).get('Node', '', 'n1');
  await runner.stop();
  intents.close();
  return { address, key: node.status?.sshKey };
}

it('the host has the key before the runner is told where to go with it', async () => {
  const gateway = { port: 8002, publicKey };
  expect(await told(gateway)).toEqual({ address: gateway, key: publicKey });
});

it('a host that takes no tunnels is told as that', async () => {
  expect(await told()).toEqual({ address: undefined, key: publicKey });
});

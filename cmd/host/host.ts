import { join } from 'node:path';
import {
  ApiService,
  createHttpServer,
  createToken,
  listen,
  loadOrCreateKey,
  type TokenIdentity,
  tokenAuthentication,
} from '../../pkg/apiserver/index.ts';
import type { Clock, Logger, Rng } from '../../pkg/base/index.ts';
import type { HostSettings } from '../../pkg/config/index.ts';
import type { Gateway } from '../../pkg/gateway/index.ts';
import { CompactionLoop, openSqliteStore, type SqliteStore } from '../../pkg/store/index.ts';
import { createControlLoops } from './control-loops.ts';
import { createGateway, createLogReader } from './tunnels.ts';

export interface HostWiring {
  settings: HostSettings;
  clock: Clock;
  rng: Rng;
  logger: Logger;
  version: string;
}

export interface RunningHost {
  /** Base URL of the API. */
  url: string;
  /** Where runners open their tunnels, on the address of the API. */
  gatewayPort: number;
  service: ApiService;
  /** A new token that this host accepts. */
  tokenFor(identity: TokenIdentity): string;
  /** Takes over what of new settings counts without a restart. */
  change(settings: HostSettings): void;
  stop(): Promise<void>;
}

/** Signs tokens; readable by the host's user only. */
export function keyFile(settings: Pick<HostSettings, 'stateDir'>): string {
  return join(settings.stateDir, 'token.key');
}

/** Resolves when the API is served and the loops run. What it has opened is closed again when it fails. */
export async function startHost(wiring: HostWiring): Promise<RunningHost> {
  const { settings, clock, rng, logger } = wiring;
  const store = openSqliteStore({ directory: settings.stateDir, clock, rng, logger });
  let gateway: Gateway | undefined;
  try {
    gateway = createGateway(settings.stateDir, { store, clock, logger });
    return await serve(wiring, store, gateway);
  } catch (error) {
    await gateway?.close();
    await store.close();
    throw error;
  }
}

async function serve(wiring: HostWiring, store: SqliteStore, gateway: Gateway): Promise<RunningHost> {
  const { clock, rng, logger, version } = wiring;
  let settings = wiring.settings;
  const key = loadOrCreateKey(keyFile(settings), rng);
  const { leaseMs, compaction, sharedDir } = settings;
  const { address, port } = settings.listen;
  // Known before the first heartbeat is answered: that tells runners where it is.
  const gatewayPort = await gateway.listen({ host: address, port: settings.gateway.port });
  const service: ApiService = new ApiService({
    store,
    clock,
    rng,
    logger,
    defaults: () => settings.defaults,
    leaseMs,
    logReader: createLogReader(gateway, sharedDir, { clock, leases: () => service.leases }),
    gateway: { port: gatewayPort, publicKey: gateway.publicKey },
    version,
  });
  const server = createHttpServer({ service, authenticate: tokenAuthentication(key, clock), clock, logger });
  const loops = createControlLoops(service, { clock, rng, logger });
  const compactor = new CompactionLoop({
    store,
    clock,
    logger,
    keepVersions: compaction.keep,
    intervalMs: compaction.intervalMs,
  });
  const url = await listen(server, { host: address, port });
  compactor.start();
  await loops.start();
  return {
    url,
    gatewayPort,
    service,
    tokenFor: (identity) => createToken(key, identity, rng),
    change: (changed) => {
      settings = changed;
    },
    async stop() {
      await server.close();
      await gateway.close();
      await loops.stop();
      compactor.stop();
      await store.close();
    },
  };
}

import { statfsSync } from 'node:fs';
import { join } from 'node:path';
import {
  ApiService,
  authentication,
  createHttpServer,
  createToken,
  LocalClient,
  listen,
  loadOrCreateKey,
  type StateSpace,
  type TokenIdentity,
  useCertificate,
} from '../../pkg/apiserver/index.ts';
import type { Clock, Logger, Rng } from '../../pkg/base/index.ts';
import type { HostSettings } from '../../pkg/config/index.ts';
import { hangOf } from '../../pkg/engine/index.ts';
import type { Gateway } from '../../pkg/gateway/index.ts';
import {
  type Authority,
  Joining,
  NodeRegistry,
  openAuthority,
  ServerCertificate,
  serverNames,
} from '../../pkg/identity/index.ts';
import { CompactionLoop, openSqliteStore, type SqliteStore } from '../../pkg/store/index.ts';
import { stopInOrder } from '../stopping.ts';
import { createControlLoops } from './control-loops.ts';
import { DefaultEnvironment } from './default-environment.ts';
import {
  createBuilder,
  createContainers,
  createShells,
  createUploads,
  environmentPlaces,
  markSharedDirectory,
} from './environment-places.ts';
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
  /** Certificate of its authority, PEM. */
  ca: string;
  service: ApiService;
  /** A new token that this host accepts. */
  tokenFor(identity: TokenIdentity): string;
  /** Takes over what of new settings counts without a restart. */
  change(settings: HostSettings): void;
  /** Answers whether all of it has ended. What has not is in the log, and keeps the process alive. */
  stop(): Promise<boolean>;
}

/** It gives the shells that are open their time to end. */
const apiWithinMs = 12_000;

/** Signs tokens; readable by the host's user only. */
export function keyFile(settings: Pick<HostSettings, 'stateDir'>): string {
  return join(settings.stateDir, 'token.key');
}

/** Keys and certificates, and whose key each node's name is. */
export function identityDirectory(settings: Pick<HostSettings, 'stateDir'>): string {
  return join(settings.stateDir, 'identity');
}

/** Resolves when the API is served and the loops run. What it has opened is closed again when it fails. */
export async function startHost(wiring: HostWiring): Promise<RunningHost> {
  const { settings, clock, rng, logger } = wiring;
  const store = openSqliteStore({ directory: settings.stateDir, clock, rng, logger });
  let gateway: Gateway | undefined;
  try {
    const registry = new NodeRegistry(identityDirectory(settings));
    gateway = createGateway(settings.stateDir, { store, registry, clock, logger });
    return await serve(wiring, store, registry, gateway);
  } catch (error) {
    await gateway?.close();
    await store.close();
    throw error;
  }
}

async function serve(
  wiring: HostWiring,
  store: SqliteStore,
  registry: NodeRegistry,
  gateway: Gateway,
): Promise<RunningHost> {
  const { clock, rng, logger, version } = wiring;
  let settings = wiring.settings;
  const key = loadOrCreateKey(keyFile(settings), rng);
  const { leaseMs, compaction, sharedDir } = settings;
  const { address, port } = settings.listen;
  // Known before the first heartbeat is answered: that tells runners where it is.
  const gatewayPort = await gateway.listen({ host: address, port: settings.gateway.port });
  const defaultEnvironment = new DefaultEnvironment(logger);
  const service: ApiService = new ApiService({
    store,
    clock,
    rng,
    logger,
    defaults: () => defaultEnvironment.defaultsOf(settings),
    leaseMs,
    logReader: createLogReader(gateway, sharedDir, { clock, leases: () => service.leases }),
    space: () => spaceOf(settings.stateDir),
    gateway: { port: gatewayPort, publicKey: gateway.publicKey },
    version,
  });
  const identity = await openIdentity(wiring, registry, key);
  const own = new LocalClient(service, { role: 'admin', name: 'river-host' });
  await defaultEnvironment.ensure(own, settings);
  const uploads = createUploads(settings, clock);
  const builder = createBuilder(settings, store.clusterUid, uploads, { clock, logger });
  const containers = createContainers(settings, store.clusterUid, { clock, rng, logger });
  const shellParts = createShells(settings, containers, own, { clock, logger });
  const server = createHttpServer({
    ...{ service, ...identity.parts, clock, logger },
    environments: environmentPlaces(settings, builder),
    uploads,
    ...shellParts,
  });
  identity.certificate.onRenewed((tls) => useCertificate(server, tls));
  const loops = createControlLoops(
    service,
    { builder, containers },
    {
      clock,
      rng,
      logger,
      placementPolicy: settings.placementPolicy,
    },
  );
  const compactor = new CompactionLoop({
    store,
    clock,
    logger,
    keepVersions: compaction.keep,
    intervalMs: compaction.intervalMs,
  });
  markSharedDirectory(sharedDir, store.clusterUid, logger);
  const url = await listen(server, { host: address, port });
  compactor.start();
  await loops.start();
  void shellParts.shells.recover();
  return {
    url,
    gatewayPort,
    ca: identity.authority.certificate,
    service,
    tokenFor: (identity) => createToken(key, identity, rng),
    change: (changed) => {
      settings = changed;
      void defaultEnvironment.ensure(own, changed);
    },
    stop: () =>
      stopInOrder(
        [
          { name: 'certificate', stop: () => identity.certificate.stop() },
          { name: 'API', stop: () => server.close(), withinMs: apiWithinMs },
          { name: 'gateway', stop: () => gateway.close() },
          { name: 'control loops', stop: () => loops.stop(), waitsFor: () => loops.underWay() },
          { name: 'compaction', stop: () => compactor.stop() },
          { name: 'store', stop: () => store.close() },
        ],
        { clock, logger, trouble: () => hangOf(settings.docker.socket, { clock, withinMs: 1_000 }) },
      ),
  };
}

/** What the kernel knows: a state directory is never on a file system that could keep the host waiting. */
function spaceOf(directory: string): StateSpace {
  const { bsize, blocks, bavail } = statfsSync(directory);
  return { size: blocks * bsize, free: bavail * bsize };
}

/** Who this host is and whom it knows. The directory is made by the first who needs it. */
async function openIdentity(
  { settings, clock, rng, logger }: HostWiring,
  registry: NodeRegistry,
  key: Uint8Array,
) {
  const directory = identityDirectory(settings);
  const authority: Authority = await openAuthority(directory, { clock, rng });
  const names = () => serverNames(settings.tls.names, settings.listen.address);
  const certificate = new ServerCertificate({ directory, authority, names, clock, logger });
  const tls = await certificate.start();
  const joining = new Joining({ authority, registry, key, clock, rng, logger });
  return {
    authority,
    certificate,
    parts: { tls, joining, authenticate: authentication({ key, clock, registry }) },
  };
}

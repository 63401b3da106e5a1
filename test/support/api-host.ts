import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { apiVersion, type Identity, logPaths, type Task, type TaskSpec } from '../../pkg/api/index.ts';
import {
  ApiService,
  type Authenticate,
  authentication,
  createHttpServer,
  createToken,
  type HttpServerOptions,
  LocalClient,
  listen,
  type StateSpace,
} from '../../pkg/apiserver/index.ts';
import {
  type Clock,
  type Logger,
  RiverError,
  realClock,
  realRng,
  silentLogger,
  timestamp,
} from '../../pkg/base/index.ts';
import {
  type Client,
  createHttpClient,
  type GatewayAddress,
  type HttpClient,
  type HttpClientOptions,
} from '../../pkg/client/index.ts';
import { Uploads } from '../../pkg/environment/index.ts';
import {
  Joining,
  NodeRegistry,
  nodeKey,
  openAuthority,
  proveKey,
  ServerCertificate,
} from '../../pkg/identity/index.ts';
import { FileLogReader } from '../../pkg/logs/index.ts';
import { openSqliteStore, type SqliteStore } from '../../pkg/store/index.ts';

export const task = (name: string, spec: Partial<TaskSpec> = {}): Task => ({
  apiVersion,
  kind: 'Task',
  metadata: { name, namespace: 'default' },
  spec: { command: ['true'], ...spec },
});

/** The error of a promise that must fail. */
export function refused(promise: Promise<unknown>): Promise<RiverError> {
  return promise.then(
    () => {
      throw new Error('it was not refused');
    },
    (error: RiverError) => error,
  );
}

/** One for all tests of a file: making keys takes time. */
const identityFolder = mkdtempSync(join(tmpdir(), 'river-authority-'));
process.on('exit', () => rmSync(identityFolder, { recursive: true, force: true }));
const seams = { clock: realClock, rng: realRng, logger: silentLogger };
export const authority = await openAuthority(identityFolder, seams);
export const tls = await new ServerCertificate({
  ...seams,
  directory: identityFolder,
  authority,
  names: () => ['127.0.0.1', '::1'],
}).start();

/** What the machines n1 and n2 have after they have joined. */
const credentials = new Map(
  await Promise.all(['n1', 'n2'].map(async (name) => [name, await joined(name)] as const)),
);

async function joined(name: string) {
  const key = nodeKey(join(identityFolder, name));
  const { publicKey } = proveKey(key, '');
  const certificate = await authority.issueNode(name, Buffer.from(publicKey, 'base64'));
  return { key, publicKey, certificate };
}

export const admin: Identity = { role: 'admin', name: 'me' };
export const taskController: Identity = { role: 'controller', name: 'task' };
export const nodeController: Identity = { role: 'controller', name: 'node' };
export const scheduler: Identity = { role: 'controller', name: 'scheduler' };
export const reaper: Identity = { role: 'controller', name: 'reaper' };
export const nodeOf = (name: string): Identity => ({ role: 'node', name });

const noContainers = {
  container: async (name: string) => {
    throw new RiverError('NotFound', `environment ${name} not found`);
  },
};
const noShells = {
  start: async () => {
    throw new RiverError('Conflict', 'there is no container');
  },
};

export interface ApiHostOptions {
  clock?: Clock;
  logger?: Logger;
  gateway?: GatewayAddress;
  space?: () => StateSpace;
}

/** A store, an ApiService and, when asked for, its HTTP server on loopback; all in a folder of their own. */
export class ApiHost {
  readonly folder = mkdtempSync(join(tmpdir(), 'river-api-'));
  readonly store: SqliteStore;
  readonly service: ApiService;
  readonly key = new Uint8Array(32).fill(7);
  readonly registry = new NodeRegistry(this.folder);
  readonly joining: Joining;
  readonly authenticate: Authenticate = authentication({
    key: this.key,
    clock: realClock,
    registry: this.registry,
  });
  /** In its folder, by the whole digest. */
  readonly environments = {
    index: (name: string, digest: string) => join(this.folder, `${name}-${digest}.json`),
    tarball: (name: string, digest: string) => join(this.folder, `${name}-${digest}.tar`),
    log: (name: string) => join(this.folder, `${name}.log`),
  };
  readonly uploads = new Uploads(join(this.folder, 'uploads'), realClock);
  readonly #closing: (() => unknown)[] = [];
  readonly #logger: Logger;
  /** Default of the cluster; may be changed at any time. */
  mounts: string[] = [];

  constructor({ clock = realClock, logger = silentLogger, gateway, space }: ApiHostOptions = {}) {
    const seams = { clock, rng: realRng, logger };
    this.#logger = logger;
    const { registry, key } = this;
    this.joining = new Joining({ ...seams, authority, registry, key });
    this.store = openSqliteStore({ directory: join(this.folder, 'state'), ...seams });
    this.service = new ApiService({
      ...seams,
      store: this.store,
      leaseMs: 30_000,
      version: '0.1.0',
      gateway,
      space,
      logReader: new FileLogReader([join(this.folder, 'logs')], realClock),
      defaults: () => ({ runtime: 'process', privileged: false, mounts: this.mounts }),
    });
  }

  local(identity: Identity): Client {
    return new LocalClient(this.service, identity);
  }

  server(options: Partial<HttpServerOptions> = {}) {
    const { service, authenticate, joining } = this;
    const app = createHttpServer({
      service,
      authenticate,
      joining,
      tls,
      environments: this.environments,
      uploads: this.uploads,
      workingContainers: noContainers,
      shells: noShells,
      clock: realClock,
      logger: this.#logger,
      ...options,
    });
    this.#closing.unshift(() => app.close());
    return app;
  }

  listen(options: Partial<HttpServerOptions> = {}): Promise<string> {
    return listen(this.server(options), { host: '127.0.0.1', port: 0 });
  }

  token(identity: Extract<Identity, { role: 'admin' }>): string {
    return createToken(this.key, identity, realRng);
  }

  http(server: string, identity: Identity, options: Partial<HttpClientOptions> = {}): HttpClient {
    const client = createHttpClient({
      server,
      ca: authority.certificate,
      clock: realClock,
      ...(identity.role === 'admin'
        ? { token: this.token(identity) }
        : { credential: this.#credentialOf(identity.name) }),
      ...options,
    });
    this.#closing.unshift(() => client.close());
    return client;
  }

  #credentialOf(node: string) {
    const credential = credentials.get(node);
    if (credential === undefined) throw new Error(`the test host knows no machine ${node}`);
    const { publicKey } = credential;
    this.registry.register(node, { publicKey, joinedAt: timestamp(0) }, { id: node, until: 0 }, 0);
    return credential;
  }

  writeLog(namespace: string, run: string, stream: 'out' | 'err', text: string): void {
    const path = logPaths(join(this.folder, 'logs'), namespace, run)[stream];
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text, { flag: 'a' });
  }

  async close(): Promise<void> {
    for (const close of this.#closing) await close();
    await this.store.close();
    rmSync(this.folder, { recursive: true });
  }
}

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { apiVersion, type Identity, logPaths, type Task, type TaskSpec } from '../../pkg/api/index.ts';
import {
  ApiService,
  type Authenticate,
  createHttpServer,
  createToken,
  type HttpServerOptions,
  LocalClient,
  listen,
  type TokenIdentity,
  tokenAuthentication,
} from '../../pkg/apiserver/index.ts';
import {
  type Clock,
  type Logger,
  type RiverError,
  realClock,
  realRng,
  silentLogger,
} from '../../pkg/base/index.ts';
import {
  type Client,
  createHttpClient,
  type GatewayAddress,
  type HttpClient,
  type HttpClientOptions,
} from '../../pkg/client/index.ts';
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

export const admin: Identity = { role: 'admin', name: 'me' };
export const taskController: Identity = { role: 'controller', name: 'task' };
export const nodeController: Identity = { role: 'controller', name: 'node' };
export const scheduler: Identity = { role: 'controller', name: 'scheduler' };
export const reaper: Identity = { role: 'controller', name: 'reaper' };
export const nodeOf = (name: string): Identity => ({ role: 'node', name });

export interface ApiHostOptions {
  clock?: Clock;
  logger?: Logger;
  gateway?: GatewayAddress;
}

/** A store, an ApiService and, when asked for, its HTTP server on loopback; all in a folder of their own. */
export class ApiHost {
  readonly folder = mkdtempSync(join(tmpdir(), 'river-api-'));
  readonly store: SqliteStore;
  readonly service: ApiService;
  readonly key = new Uint8Array(32).fill(7);
  readonly authenticate: Authenticate = tokenAuthentication(this.key, realClock);
  readonly #closing: (() => unknown)[] = [];
  readonly #logger: Logger;
  /** Default of the cluster; may be changed at any time. */
  mounts: string[] = [];

  constructor({ clock = realClock, logger = silentLogger, gateway }: ApiHostOptions = {}) {
    const seams = { clock, rng: realRng, logger };
    this.#logger = logger;
    this.store = openSqliteStore({ directory: join(this.folder, 'state'), ...seams });
    this.service = new ApiService({
      ...seams,
      store: this.store,
      leaseMs: 30_000,
      version: '0.1.0',
      gateway,
      logReader: new FileLogReader([join(this.folder, 'logs')], realClock),
      defaults: () => ({ runtime: 'process', privileged: false, mounts: this.mounts }),
    });
  }

  local(identity: Identity): Client {
    return new LocalClient(this.service, identity);
  }

  server(options: Partial<HttpServerOptions> = {}) {
    const { service, authenticate } = this;
    const app = createHttpServer({
      service,
      authenticate,
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

  token(identity: TokenIdentity): string {
    return createToken(this.key, identity, realRng);
  }

  http(server: string, identity: TokenIdentity, options: Partial<HttpClientOptions> = {}): HttpClient {
    const client = createHttpClient({ server, token: this.token(identity), clock: realClock, ...options });
    this.#closing.unshift(() => client.close());
    return client;
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

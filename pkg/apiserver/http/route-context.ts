import type { Identity } from '../../api/index.ts';
import type { Clock, Logger } from '../../base/index.ts';
import type { Joining, ServerTls } from '../../identity/index.ts';
import type { ContainerShells } from '../../shell/index.ts';
import type { Authenticate } from '../auth/authenticate.ts';
import type { ApiService } from '../service.ts';
import type { BodyLimits } from './bodies.ts';
import type { EnvironmentPlaces } from './environments/environment-routes.ts';
import type { WorkingContainers } from './environments/exec-routes.ts';
import type { UploadStore } from './environments/upload-routes.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Set before any handler of a route that is not public. */
    identity: Identity;
  }
  interface FastifyContextConfig {
    /** Served to anybody. */
    public?: boolean;
  }
}

export interface HttpServerOptions {
  service: ApiService;
  authenticate: Authenticate;
  /** What the server shows, and what it takes from nodes. */
  tls: ServerTls;
  joining: Joining;
  environments: EnvironmentPlaces;
  uploads: UploadStore;
  workingContainers: WorkingContainers;
  /** On the engine of those containers. */
  shells: ContainerShells;
  clock: Clock;
  logger: Logger;
  limits?: Partial<BodyLimits>;
  /** A watcher with more unsent bytes than this is dropped; it lists again. Default 1 MiB. */
  watchBufferBytes?: number;
  /** Between bookmarks on a quiet watch, milliseconds. Default 10 s: clients take 35 s of silence for death. */
  bookmarkMs?: number;
}

/** What the routes need of the options, complete. */
export interface RouteContext extends Required<Omit<HttpServerOptions, 'limits'>> {
  limits: BodyLimits;
}

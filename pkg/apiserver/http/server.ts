import fastify, { type FastifyInstance } from 'fastify';
import type { Identity } from '../../api/index.ts';
import type { Clock, Logger } from '../../base/index.ts';
import type { Authenticate } from '../auth/authenticate.ts';
import type { ApiService } from '../service.ts';
import { authentication } from './authentication.ts';
import { type BodyLimits, defaultBodyLimits } from './bodies.ts';
import { discoveryRoutes } from './discovery.ts';
import { handleErrors } from './errors.ts';
import { healthRoutes } from './health.ts';
import { resourceRoutes } from './resource-routes.ts';
import { runRoutes } from './run-routes.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Set before any handler of a route that is not public. */
    identity: Identity;
  }
  interface FastifyContextConfig {
    /** Served without a token. */
    public?: boolean;
  }
}

export interface HttpServerOptions {
  service: ApiService;
  authenticate: Authenticate;
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

/** The API as a fastify instance: for `inject`, or for `listen` of this package. */
export function createHttpServer(options: HttpServerOptions): FastifyInstance {
  const context: RouteContext = {
    ...options,
    limits: { ...defaultBodyLimits, ...options.limits },
    watchBufferBytes: options.watchBufferBytes ?? 1024 * 1024,
    bookmarkMs: options.bookmarkMs ?? 10_000,
  };
  const app = fastify({
    logger: false,
    bodyLimit: context.limits.bytes,
    exposeHeadRoutes: false,
    forceCloseConnections: true,
    requestTimeout: 60_000,
    keepAliveTimeout: 75_000,
    routerOptions: { maxParamLength: 300 },
  });
  acceptEveryBody(app);
  handleErrors(app, context.logger);
  authentication(app, context);
  app.register(healthRoutes(context));
  app.register(discoveryRoutes(context));
  app.register(resourceRoutes(context));
  app.register(runRoutes(context));
  return app;
}

/** Bodies of any type arrive as text and are read by the handlers: patches, YAML, and a DELETE with a type but no body. */
function acceptEveryBody(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => done(null, body));
}

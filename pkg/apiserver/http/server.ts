import type { Server, TLSSocket } from 'node:tls';
import fastify, { type FastifyInstance } from 'fastify';
import type { ServerTls } from '../../identity/index.ts';
import { authentication } from './authentication.ts';
import { defaultBodyLimits } from './bodies.ts';
import { buildLogRoutes } from './environments/build-log-routes.ts';
import { environmentRoutes } from './environments/environment-routes.ts';
import { execRoutes } from './environments/exec-routes.ts';
import { uploadRoutes } from './environments/upload-routes.ts';
import { handleErrors } from './errors.ts';
import { discoveryRoutes } from './host/discovery.ts';
import { healthRoutes } from './host/health.ts';
import { joinRoutes } from './host/join-routes.ts';
import { metricsRoutes } from './host/metrics-routes.ts';
import { resourceRoutes } from './resources/resource-routes.ts';
import { runRoutes } from './resources/run-routes.ts';
import type { HttpServerOptions, RouteContext } from './route-context.ts';
import { routeUpgrades } from './upgrades.ts';

/** The API as a fastify instance, over TLS only: for `inject`, or for `listen` of this package. */
export function createHttpServer(options: HttpServerOptions): FastifyInstance {
  const context: RouteContext = {
    ...options,
    limits: { ...defaultBodyLimits, ...options.limits },
    watchBufferBytes: options.watchBufferBytes ?? 1024 * 1024,
    bookmarkMs: options.bookmarkMs ?? 10_000,
  };
  const app = fastify({
    logger: false,
    // A certificate is asked for and not demanded: people show a token. Whether it counts is for `authenticate`. And a
    // client that went away without a word would be followed to for ever where there is nothing to tell it.
    https: {
      ...context.tls,
      requestCert: true,
      rejectUnauthorized: false,
      keepAlive: true,
      keepAliveInitialDelay: 15_000,
    },
    bodyLimit: context.limits.bytes,
    exposeHeadRoutes: false,
    forceCloseConnections: true,
    requestTimeout: 60_000,
    keepAliveTimeout: 75_000,
    routerOptions: { maxParamLength: 300 },
  }) as unknown as FastifyInstance;
  logHandshakes(app, context);
  acceptEveryBody(app);
  handleErrors(app, context.logger);
  authentication(app, context);
  routeUpgrades(app, context.logger);
  app.register(healthRoutes(context));
  app.register(metricsRoutes(context));
  app.register(discoveryRoutes(context));
  app.register(resourceRoutes(context));
  app.register(runRoutes(context));
  app.register(environmentRoutes(context));
  app.register(buildLogRoutes(context));
  app.register(execRoutes(context));
  app.register(uploadRoutes(context));
  app.register(joinRoutes(context));
  return app;
}

/** Bodies of any type arrive as text and are read by the handlers: patches, YAML, and a DELETE with a type but no body. */
function acceptEveryBody(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => done(null, body));
}

/** Who does not trust this host, or speaks something else, fails before there is a request. */
function logHandshakes(app: FastifyInstance, { logger }: RouteContext): void {
  app.server.on('tlsClientError', (error: NodeJS.ErrnoException, socket: TLSSocket) => {
    // A client that goes away in the middle says nothing about trust.
    if (error.code === 'ECONNRESET') return;
    logger.warn('connection refused in the TLS handshake', {
      remote: socket.remoteAddress,
      reason: error.code ?? error.message,
    });
  });
}

/** New connections meet the new certificate; those that exist go on. */
export function useCertificate(app: FastifyInstance, { key, cert, ca }: ServerTls): void {
  (app.server as unknown as Server).setSecureContext({ key, cert, ca });
}

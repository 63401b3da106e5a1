import fastify, { type FastifyInstance } from 'fastify';
import { authentication } from './authentication.ts';
import { defaultBodyLimits } from './bodies.ts';
import { discoveryRoutes } from './discovery.ts';
import { handleErrors } from './errors.ts';
import { healthRoutes } from './health.ts';
import { resourceRoutes } from './resource-routes.ts';
import type { HttpServerOptions, RouteContext } from './route-context.ts';
import { runRoutes } from './run-routes.ts';

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

import type { FastifyInstance } from 'fastify';
import { errorMessage } from '../../base/index.ts';
import type { RouteContext } from './route-context.ts';

/** Every route needs a bearer token, or a connection with a node's certificate, unless it says `config: { public: true }`; also what does not exist. */
export function authentication(app: FastifyInstance, { authenticate, logger }: RouteContext): void {
  app.decorateRequest('identity');
  app.addHook('onRequest', async (request) => {
    if (request.routeOptions.config?.public) return;
    try {
      request.identity = authenticate({
        authorization: request.headers.authorization,
        socket: request.raw.socket,
      });
    } catch (error) {
      const path = request.url.split('?')[0];
      logger.warn('request refused: not authenticated', {
        method: request.method,
        path,
        remote: request.ip,
        reason: errorMessage(error),
      });
      throw error;
    }
  });
}

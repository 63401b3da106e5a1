import type { FastifyInstance } from 'fastify';
import type { RouteContext } from './route-context.ts';

/** Whether the process lives, and whether its store can be read. Served to anybody. */
export function healthRoutes({ service }: RouteContext) {
  return async (app: FastifyInstance) => {
    const open = { config: { public: true } };
    app.get('/healthz', open, async (_request, reply) => reply.type('text/plain').send('ok'));
    app.get('/readyz', open, async (_request, reply) => {
      service.options.store.get('Node', '', 'readyz');
      return reply.type('text/plain').send('ok');
    });
  };
}

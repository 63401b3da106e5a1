import type { FastifyInstance } from 'fastify';
import type { RouteContext } from '../route-context.ts';

/** Whether the process lives, and whether its store can be read and takes new work. Served to anybody. */
export function healthRoutes({ service }: RouteContext) {
  return async (app: FastifyInstance) => {
    const open = { config: { public: true } };
    app.get('/healthz', open, async (_request, reply) => reply.type('text/plain').send('ok'));
    app.get('/readyz', open, async (_request, reply) => {
      service.options.store.get('Node', '', 'readyz');
      const { noRoom } = service.vitals;
      return reply
        .code(noRoom === undefined ? 200 : 503)
        .type('text/plain')
        .send(noRoom ?? 'ok');
    });
  };
}

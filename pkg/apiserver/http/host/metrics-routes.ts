import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Node, Run } from '../../../api/index.ts';
import { RiverError } from '../../../base/index.ts';
import type { RouteContext } from '../route-context.ts';
import { type MetricsInput, metricsText } from './metrics-text.ts';

/** For admins: what is counted, and the live values of nodes, for Prometheus. */
export function metricsRoutes({ service }: RouteContext) {
  return async (app: FastifyInstance) => {
    app.get('/metrics', async (request, reply) => {
      const { role, name } = request.identity;
      if (role !== 'admin') throw new RiverError('Forbidden', `${role} ${name} may not read metrics`);
      const nodes: Node[] = [];
      const phases: Map<NonNullable<Run['status']>['phase'], number> = new Map();
      for await (const object of all(request, 'Node')) nodes.push(object as Node);
      for await (const object of all(request, 'Run')) {
        const { phase = 'Pending' } = (object as Run).status ?? {};
        phases.set(phase, (phases.get(phase) ?? 0) + 1);
      }
      const input: MetricsInput = {
        metrics: service.metrics,
        version: service.options.store.version(),
        vitals: service.vitals,
        nodes,
        phases,
        counters: (node) => service.leases.counters(node),
      };
      return reply.type('text/plain; version=0.0.4; charset=utf-8').send(metricsText(input));
    });
  };

  async function* all({ identity }: FastifyRequest, kind: 'Node' | 'Run') {
    for await (const { rows } of service.pages(identity, kind, {}))
      for (const { object } of rows) yield object;
  }
}

import type { FastifyInstance, FastifyRequest } from 'fastify';
import { apiVersion, type Resource, resources } from '../../../api/index.ts';
import { RiverError } from '../../../base/index.ts';
import { mediaTypeOf } from '../bodies.ts';
import { addressOf, bodyOf, matching, sendWritten, withNamespace } from '../messages.ts';
import { flagOf, listOptionsOf, queryOf, writeOptionsOf } from '../queries.ts';
import type { RouteContext } from '../route-context.ts';
import { sendList } from './list.ts';
import { patchRequest } from './patch.ts';
import { sendWatch } from './watch.ts';

/** The routes that every kind has: collection, object, and status where there is one. */
export function resourceRoutes(context: RouteContext) {
  return async (app: FastifyInstance) => {
    for (const resource of Object.values(resources)) {
      const everywhere = `/apis/${apiVersion}/${resource.plural}`;
      const scoped = resource.namespaced
        ? `/apis/${apiVersion}/namespaces/:namespace/${resource.plural}`
        : everywhere;
      for (const path of new Set([everywhere, scoped])) collectionRoutes(app, context, resource, path);
      objectRoutes(app, context, resource, `${scoped}/:name`);
      if (resource.hasStatus) statusRoutes(app, context, resource, `${scoped}/:name/status`);
    }
  };
}

function collectionRoutes(
  app: FastifyInstance,
  context: RouteContext,
  { kind }: Resource,
  path: string,
): void {
  const { service } = context;
  app.get(path, async (request, reply) => {
    const { namespace } = addressOf(request);
    if (flagOf(queryOf(request).watch)) return sendWatch(context, request, reply, kind, namespace);
    const options = listOptionsOf(request, namespace);
    return sendList(reply, kind, service.pages(request.identity, kind, options), options.limit);
  });
  app.post(path, async (request, reply) => {
    const object = withNamespace(bodyOf(context, request), addressOf(request).namespace);
    return sendWritten(reply, await service.create(request.identity, kind, object, writeOptionsOf(request)));
  });
}

function objectRoutes(app: FastifyInstance, context: RouteContext, { kind }: Resource, path: string): void {
  const { service } = context;
  app.get(path, async (request, reply) => {
    const { namespace = '', name } = addressOf(request);
    return reply.type('application/json').send(service.get(request.identity, kind, namespace, name).json);
  });
  app.put(path, async (request, reply) => {
    const object = matching(bodyOf(context, request), addressOf(request));
    return sendWritten(reply, await service.update(request.identity, kind, object, writeOptionsOf(request)));
  });
  app.patch(path, async (request, reply) =>
    sendWritten(reply, await patchRequest(context, request, kind, addressOf(request))),
  );
  app.delete(path, async (request, reply) => {
    const { namespace = '', name } = addressOf(request);
    const options = deleteOptionsOf(context, request);
    return sendWritten(reply, await service.delete(request.identity, kind, namespace, name, options));
  });
}

function statusRoutes(app: FastifyInstance, context: RouteContext, { kind }: Resource, path: string): void {
  const { service } = context;
  app.get(path, async (request, reply) => {
    const { namespace = '', name } = addressOf(request);
    return reply.type('application/json').send(service.get(request.identity, kind, namespace, name).json);
  });
  app.put(path, async (request, reply) => {
    const object = matching(bodyOf(context, request), addressOf(request));
    return sendWritten(
      reply,
      await service.replaceStatus(request.identity, kind, object, writeOptionsOf(request)),
    );
  });
  app.patch(path, async (request, reply) => {
    const type = mediaTypeOf(request.headers['content-type']);
    if (type !== 'application/merge-patch+json') {
      throw new RiverError('UnsupportedMediaType', `status takes application/merge-patch+json, not ${type}`);
    }
    const { namespace = '', name } = addressOf(request);
    const patch = bodyOf(context, request) as unknown as Record<string, unknown>;
    return sendWritten(
      reply,
      await service.patchStatus(request.identity, kind, namespace, name, patch, writeOptionsOf(request)),
    );
  });
}

interface DeleteBody {
  preconditions?: { uid?: string; resourceVersion?: string };
  dryRun?: string[];
}

function deleteOptionsOf(context: RouteContext, request: FastifyRequest) {
  const hasBody = typeof request.body === 'string' && request.body.trim() !== '';
  const body = (hasBody ? bodyOf(context, request) : {}) as DeleteBody;
  const { dryRun } = writeOptionsOf(request);
  return {
    ...body.preconditions,
    dryRun: dryRun || (Array.isArray(body.dryRun) && body.dryRun.includes('All')),
  };
}

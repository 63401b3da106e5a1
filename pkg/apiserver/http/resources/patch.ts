import type { FastifyRequest } from 'fastify';
import type { Kind } from '../../../api/index.ts';
import { RiverError } from '../../../base/index.ts';
import type { Written } from '../../writes/session.ts';
import { mediaTypeOf } from '../bodies.ts';
import { type Address, bodyOf, matching, rawBodyOf } from '../messages.ts';
import { applyOptionsOf, writeOptionsOf } from '../queries.ts';
import type { RouteContext } from '../route-context.ts';

/** PATCH, by its media type. Raises `UnsupportedMediaType` for others (strategic merge is for Kubernetes' own kinds). */
export function patchRequest(
  context: RouteContext,
  request: FastifyRequest,
  kind: Kind,
  address: Address,
): Promise<Written> {
  const { service } = context;
  const { namespace = '', name } = address;
  const type = mediaTypeOf(request.headers['content-type']);
  switch (type) {
    case 'application/apply-patch+yaml':
      return service.apply(
        request.identity,
        kind,
        matching(bodyOf(context, request), address),
        applyOptionsOf(request),
      );
    case 'application/merge-patch+json': {
      const patch = bodyOf(context, request) as unknown as Record<string, unknown>;
      return service.patch(request.identity, kind, namespace, name, patch, writeOptionsOf(request));
    }
    case 'application/json-patch+json':
      return service.jsonPatch(
        request.identity,
        kind,
        namespace,
        name,
        rawBodyOf(context, request),
        writeOptionsOf(request),
      );
    default:
      throw new RiverError(
        'UnsupportedMediaType',
        `cannot patch with ${type}: use application/merge-patch+json, application/json-patch+json or application/apply-patch+yaml`,
      );
  }
}

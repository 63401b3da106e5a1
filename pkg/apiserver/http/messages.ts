import type { FastifyReply, FastifyRequest } from 'fastify';
import type { ApiObject } from '../../api/index.ts';
import { RiverError } from '../../base/index.ts';
import type { Written } from '../writes/session.ts';
import { decodeBody, mediaTypeOf } from './bodies.ts';
import type { RouteContext } from './route-context.ts';

export interface Address {
  namespace?: string;
  name: string;
}

export function addressOf(request: FastifyRequest): Address {
  return request.params as Address;
}

/** The body as a JSON object. Raises `BadRequest` when it is none. */
export function bodyOf(context: RouteContext, request: FastifyRequest): ApiObject {
  const value = rawBodyOf(context, request);
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as ApiObject;
  throw new RiverError('BadRequest', 'the body must be a JSON object');
}

export function rawBodyOf(context: RouteContext, request: FastifyRequest): unknown {
  const text = typeof request.body === 'string' ? request.body : '';
  if (text.trim() === '') throw new RiverError('BadRequest', 'the body is missing');
  return decodeBody(text, mediaTypeOf(request.headers['content-type']), context.limits);
}

/** 201 for what was made; what the write did is in a header, for `created`, `configured` and `unchanged`. */
export function sendWritten(reply: FastifyReply, { object, outcome, warnings }: Written) {
  if (warnings) reply.header('warning', warnings.map(warningHeader));
  reply.header('x-river-outcome', outcome).code(outcome === 'created' ? 201 : 200);
  return reply.type('application/json').send(JSON.stringify(object));
}

/** RFC 7234, as Kubernetes writes them: one line of ASCII. */
function warningHeader(text: string): string {
  const plain = text.replaceAll(/[^\x20-\x7e]/g, '?').replaceAll(/["\\]/g, '\\$&');
  return `299 - "${plain}"`;
}

export function withNamespace(object: ApiObject, namespace: string | undefined): ApiObject {
  const { metadata } = object;
  if (namespace === undefined || typeof metadata !== 'object' || metadata === null) return object;
  if (!metadata.namespace) return { ...object, metadata: { ...metadata, namespace } };
  if (metadata.namespace === namespace) return object;
  throw new RiverError(
    'BadRequest',
    `metadata.namespace is ${metadata.namespace}, but the address says ${namespace}`,
  );
}

/** The body says the same name and namespace as the address, or leaves them out. */
export function matching(object: ApiObject, { namespace, name }: Address): ApiObject {
  const placed = withNamespace(object, namespace);
  const { metadata } = placed;
  if (typeof metadata !== 'object' || metadata === null)
    throw new RiverError('BadRequest', 'the body has no metadata');
  if (!metadata.name) return { ...placed, metadata: { ...metadata, name } };
  if (metadata.name === name) return placed;
  throw new RiverError('BadRequest', `metadata.name is ${metadata.name}, but the address says ${name}`);
}

import type { FastifyInstance } from 'fastify';
import { apiVersion, parseDuration } from '../../../api/index.ts';
import { errorMessage, RiverError } from '../../../base/index.ts';
import type { JoinRequest } from '../../../identity/index.ts';
import { addressOf, bodyOf } from '../messages.ts';
import type { RouteContext } from '../route-context.ts';

const bodyLimit = 16 * 1024;

/** How a machine becomes a node: an admin makes a token, the machine exchanges it for its certificate. */
export function joinRoutes(context: RouteContext) {
  const { joining, logger } = context;
  const node = `/apis/${apiVersion}/nodes/:name`;
  return async (app: FastifyInstance) => {
    app.post(`${node}/jointoken`, { bodyLimit }, async (request, reply) => {
      const { role, name: who } = request.identity;
      if (role !== 'admin') throw new RiverError('Forbidden', `${role} ${who} may not let machines join`);
      const { name } = addressOf(request);
      const { expires, replace } = fieldsOf(bodyOf(context, request), {
        expires: 'string',
        replace: 'boolean',
      });
      const lifetimeMs = expires === undefined ? undefined : parseDuration(expires);
      const made = joining.createToken(name, { lifetimeMs, replace });
      logger.info('a join token was made', { node: name, by: who, expiresAt: made.expiresAt, replace });
      return reply.code(201).send(made);
    });
    app.delete(`${node}/credential`, async (request, reply) => {
      const { role, name: who } = request.identity;
      if (role !== 'admin') throw new RiverError('Forbidden', `${role} ${who} may not shut out machines`);
      joining.revoke(addressOf(request).name, who);
      return reply.code(200).send({});
    });
    // Public: what it takes is in the body.
    app.post(`${node}/credential`, { bodyLimit, config: { public: true } }, async (request, reply) => {
      const { name } = addressOf(request);
      try {
        const wanted = { token: 'string', publicKey: 'string', signature: 'string' } as const;
        const { token, publicKey, signature } = fieldsOf(bodyOf(context, request), wanted);
        const asked: JoinRequest = {
          token: token ?? '',
          publicKey: publicKey ?? '',
          signature: signature ?? '',
        };
        return await reply.code(201).send(await joining.exchange(name, asked));
      } catch (error) {
        logger.warn('join refused', { node: name, remote: request.ip, reason: errorMessage(error) });
        throw error;
      }
    });
  };
}

interface Types {
  string: string;
  boolean: boolean;
}

/** The named fields of a body, each of its type or not there. Raises `BadRequest`. */
function fieldsOf<K extends string, T extends Readonly<Record<K, keyof Types>>>(
  body: object,
  types: T & Readonly<Record<K, keyof Types>>,
): { [Key in keyof T]?: Types[T[Key]] } {
  const found: Record<string, unknown> = {};
  for (const [name, type] of Object.entries(types) as [string, keyof Types][]) {
    const value = (body as Record<string, unknown>)[name];
    if (value === undefined) continue;
    const isRight = type === 'string' ? typeof value === 'string' : typeof value === 'boolean';
    if (!isRight) throw new RiverError('BadRequest', `${name} must be a ${type}`);
    found[name] = value;
  }
  return found as { [Key in keyof T]?: Types[T[Key]] };
}

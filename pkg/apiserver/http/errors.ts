import type { FastifyInstance, FastifyRequest } from 'fastify';
import { toStatus } from '../../api/index.ts';
import { errorMessage, type Logger, RiverError } from '../../base/index.ts';

/** Every refusal leaves as a Kubernetes Status. */
export function handleErrors(app: FastifyInstance, logger: Logger): void {
  app.setErrorHandler((thrown, request, reply) => {
    const error = asRiverError(thrown);
    if (!(error instanceof RiverError)) {
      logger.error('request failed unexpectedly', {
        method: request.method,
        path: request.url.split('?')[0],
        error,
      });
    } else if (error.code === 'Forbidden') {
      logger.warn('request refused: not allowed', refusalOf(request, error));
    } else if (error.code === 'Conflict' && request.identity?.role === 'node') {
      // What is not its own, or not any more: of an older session, or of a node that is fenced.
      logger.warn('request refused: not for this node to say', refusalOf(request, error));
    }
    const status = toStatus(error);
    if (status.details?.retryAfterSeconds) reply.header('retry-after', status.details.retryAfterSeconds);
    return reply.code(status.code).type('application/json').send(JSON.stringify(status));
  });
  app.setNotFoundHandler((request, reply) => {
    const path = request.url.split('?')[0];
    const status = toStatus(new RiverError('NotFound', `the host has no ${request.method} ${path}`));
    return reply.code(404).type('application/json').send(JSON.stringify(status));
  });
}

/** Who, from where, what for, and why. */
function refusalOf({ identity, method, url, ip }: FastifyRequest, { message }: RiverError) {
  const who = identity && `${identity.role} ${identity.name}`;
  return { who, method, path: url.split('?')[0], remote: ip, reason: message };
}

/** fastify's own refusals (body too large, bad URL) carry a 4xx; what else is thrown stays what it is. */
function asRiverError(thrown: unknown): unknown {
  if (thrown instanceof RiverError) return thrown;
  const httpStatus = (thrown as { statusCode?: number }).statusCode;
  if (httpStatus === 413)
    return new RiverError(
      'RequestEntityTooLarge',
      'the body is larger than the host accepts: make it smaller',
    );
  if (httpStatus === 415) return new RiverError('UnsupportedMediaType', errorMessage(thrown));
  if (httpStatus !== undefined && httpStatus >= 400 && httpStatus < 500)
    return new RiverError('BadRequest', errorMessage(thrown));
  return thrown;
}

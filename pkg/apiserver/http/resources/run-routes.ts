import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { apiVersion } from '../../../api/index.ts';
import { errorMessage, RiverError } from '../../../base/index.ts';
import type { Binding, Heartbeat, LogOptions } from '../../../client/index.ts';
import type { LogStream } from '../../../logs/index.ts';
import { addressOf, bodyOf, sendWritten } from '../messages.ts';
import { flagOf, numberOf, queryOf, writeOptionsOf } from '../queries.ts';
import type { RouteContext } from '../route-context.ts';

/** Binding and output of Runs, heartbeats of Nodes. */
export function runRoutes(context: RouteContext) {
  const { service } = context;
  return async (app: FastifyInstance) => {
    const run = `/apis/${apiVersion}/namespaces/:namespace/runs/:name`;
    app.post(`${run}/binding`, async (request, reply) => {
      const { namespace = '', name } = addressOf(request);
      const binding = bodyOf(context, request) as unknown as Binding;
      return sendWritten(
        reply,
        await service.bind(request.identity, namespace, name, binding, writeOptionsOf(request)),
      );
    });
    app.get(`${run}/log`, async (request, reply) => sendLog(context, request, reply));
    app.post(`/apis/${apiVersion}/nodes/:name/heartbeat`, async (request) => {
      const heartbeat = bodyOf(context, request) as unknown as Heartbeat;
      return service.heartbeat(request.identity, addressOf(request).name, heartbeat);
    });
  };
}

async function sendLog(context: RouteContext, request: FastifyRequest, reply: FastifyReply): Promise<void> {
  const { namespace = '', name } = addressOf(request);
  const gone = new AbortController();
  reply.raw.on('close', () => gone.abort());
  const options = { ...logOptionsOf(request), signal: gone.signal };
  const log = await context.service.openLog(request.identity, namespace, name, options);
  reply.hijack();
  reply.raw.writeHead(200, {
    'content-type': 'text/plain; charset=utf-8',
    'cache-control': 'no-store',
    'x-river-log-offset': String(log.startsAt),
  });
  reply.raw.flushHeaders();
  await pump(log, reply, context);
}

/** Backpressure reaches the file: a slow reader costs no memory. */
async function pump(log: LogStream, reply: FastifyReply, { logger }: RouteContext): Promise<void> {
  try {
    await pipeline(Readable.from(log.chunks, { objectMode: false }), reply.raw);
  } catch (error) {
    logger.debug('log stream ended early', { reason: errorMessage(error) });
    reply.raw.destroy();
  }
}

function logOptionsOf(request: FastifyRequest): LogOptions {
  const { stream = 'stdout', follow, offset, tailLines } = queryOf(request);
  if (stream !== 'stdout' && stream !== 'stderr')
    throw new RiverError('BadRequest', 'stream must be stdout or stderr');
  return {
    stream,
    follow: flagOf(follow),
    offset: numberOf('offset', offset),
    tailLines: numberOf('tailLines', tailLines),
  };
}

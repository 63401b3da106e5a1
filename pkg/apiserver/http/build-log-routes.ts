import { type FileHandle, open } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { apiVersion, type Environment } from '../../api/index.ts';
import { errorMessage, RiverError, sleep } from '../../base/index.ts';
import { addressOf } from './messages.ts';
import { flagOf, numberOf, queryOf } from './queries.ts';
import type { RouteContext } from './route-context.ts';

const chunkBytes = 64 * 1024;
/** Between two looks for more of a build that goes on. */
const lookMs = 200;

/** Output of the last build of an Environment; for admins. */
export function buildLogRoutes(context: RouteContext) {
  return async (app: FastifyInstance) => {
    app.get(`/apis/${apiVersion}/environments/:name/log`, async (request, reply) => {
      const { role, name: who } = request.identity;
      if (role !== 'admin') throw new RiverError('Forbidden', `${role} ${who} may not read builds`);
      const { name } = addressOf(request);
      const { follow, offset } = queryOf(request);
      const isGoingOn = () => flagOf(follow) && isAwaited(context, request, name);
      const first = await openLog(context, name);
      if (!first && !isGoingOn())
        throw new RiverError('NotFound', `environment ${name} was not built yet: there is no output`);
      await first?.close();
      const gone = new AbortController();
      reply.raw.on('close', () => gone.abort());
      reply.hijack();
      reply.raw.writeHead(200, {
        'content-type': 'text/plain; charset=utf-8',
        'cache-control': 'no-store',
        'x-river-log-offset': String(numberOf('offset', offset) ?? 0),
      });
      reply.raw.flushHeaders();
      const chunks = read(context, name, numberOf('offset', offset) ?? 0, isGoingOn, gone.signal);
      await pipeline(Readable.from(chunks, { objectMode: false }), reply.raw).catch((error: unknown) => {
        context.logger.debug('a build log was not read to its end', { reason: errorMessage(error) });
        reply.raw.destroy();
      });
    });
  };
}

/** A build goes on, or is about to. Raises `NotFound` for an Environment that is none. */
function isAwaited({ service }: RouteContext, { identity }: FastifyRequest, name: string): boolean {
  const { json } = service.get(identity, 'Environment', '', name);
  const { metadata, status } = JSON.parse(String(json)) as Environment;
  if (status?.observedGeneration !== metadata.generation) return true;
  return !['Ready', 'Failed'].includes(status?.phase ?? 'Pending');
}

async function* read(
  context: RouteContext,
  name: string,
  from: number,
  isGoingOn: () => boolean,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  let offset = from;
  while (!signal.aborted) {
    // Asked before it is read: what is written after that question is read in the next round.
    const goesOn = isGoingOn();
    const file = await openLog(context, name);
    try {
      // The next build begins its output anew.
      if (file && (await file.stat()).size < offset) offset = 0;
      for (;;) {
        const { bytesRead, buffer } =
          (await file?.read(Buffer.alloc(chunkBytes), 0, chunkBytes, offset)) ?? {};
        if (!bytesRead || !buffer) break;
        offset += bytesRead;
        yield buffer.subarray(0, bytesRead);
      }
    } finally {
      await file?.close();
    }
    if (!goesOn) return;
    await sleep(context.clock, lookMs, signal).catch(() => {});
  }
}

async function openLog({ environments }: RouteContext, name: string): Promise<FileHandle | undefined> {
  try {
    return await open(environments.log(name));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

import { type FileHandle, open } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { apiVersion, type Environment, isBuildAwaited } from '../../../api/index.ts';
import { errorMessage, RiverError, sleep } from '../../../base/index.ts';
import { buildOfLog } from '../../../environment/index.ts';
import { tailOffset } from '../../../logs/index.ts';
import { addressOf } from '../messages.ts';
import { flagOf, numberOf, queryOf } from '../queries.ts';
import type { RouteContext } from '../route-context.ts';

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
      // It becomes part of a file's name: only of an Environment that is there.
      context.service.get(request.identity, 'Environment', '', name);
      const { follow } = queryOf(request);
      const gone = new AbortController();
      reply.raw.on('close', () => gone.abort());
      const isGoingOn = () => flagOf(follow) && isAwaited(context, request, name);
      const start = await startOf(context, request, name, isGoingOn, gone.signal);
      if (!start)
        throw new RiverError('NotFound', `environment ${name} was not built yet: there is no output`);
      reply.hijack();
      reply.raw.writeHead(200, {
        'content-type': 'text/plain; charset=utf-8',
        'cache-control': 'no-store',
        'x-river-log-offset': String(start.offset),
        'x-river-log-build': start.build,
      });
      reply.raw.flushHeaders();
      const chunks = read(context, name, start, isGoingOn, gone.signal);
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
  return isBuildAwaited(JSON.parse(String(json)) as Environment);
}

/** A place in the output of one build. */
interface Place {
  build: string;
  offset: number;
}

/** Where it is to begin, as soon as there is output; undefined when there is none and none will come. */
async function startOf(
  context: RouteContext,
  request: FastifyRequest,
  name: string,
  isGoingOn: () => boolean,
  signal: AbortSignal,
): Promise<Place | undefined> {
  const { offset, build: known, tailLines } = queryOf(request);
  const lines = numberOf('tailLines', tailLines);
  while (!signal.aborted) {
    const goesOn = isGoingOn();
    const file = await openLog(context, name);
    try {
      const build = file && (await buildOfLog(file));
      if (file && build !== undefined) {
        if (lines !== undefined) return { build, offset: await tailOffset(file, lines) };
        // What was read was of another build: of this one nothing is known.
        const isOther = known !== undefined && known !== build;
        return { build, offset: isOther ? 0 : (numberOf('offset', offset) ?? 0) };
      }
    } finally {
      await file?.close();
    }
    if (!goesOn) return undefined;
    await sleep(context.clock, lookMs, signal).catch(() => {});
  }
  return undefined;
}

/** Ends also when the next build begins: its output is another, and is to be asked for. */
async function* read(
  context: RouteContext,
  name: string,
  { build, offset }: Place,
  isGoingOn: () => boolean,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  let position = offset;
  while (!signal.aborted) {
    // Asked before it is read: what is written after that question is read in the next round.
    const goesOn = isGoingOn();
    const file = await openLog(context, name);
    try {
      if (file && (await buildOfLog(file)) !== build) return;
      for (;;) {
        const { bytesRead, buffer } =
          (await file?.read(Buffer.alloc(chunkBytes), 0, chunkBytes, position)) ?? {};
        if (!bytesRead || !buffer) break;
        position += bytesRead;
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

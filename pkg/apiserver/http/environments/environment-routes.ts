import { access, type FileHandle, open, readFile } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { apiVersion, type Identity, nameProblem } from '../../../api/index.ts';
import { errorMessage, RiverError } from '../../../base/index.ts';
import { bodyOf, sendWritten } from '../messages.ts';
import type { RouteContext } from '../route-context.ts';
import { byteRange } from './byte-range.ts';

/** More would take disk and network from each other and from the API; the next one is told to come again. */
const streamsAtOnce = 8;
const chunkBytes = 256 * 1024;

/** Where the files of one digest of an environment are. */
export interface EnvironmentPlaces {
  index(name: string, digest: string): string;
  tarball(name: string, digest: string): string;
  /** Output of its last build. */
  log(name: string): string;
}

interface Address {
  name: string;
  digest: string;
}

/** Tarballs of environments, for nodes that share no directory with the host. */
export function environmentRoutes(context: RouteContext) {
  const { environments } = context;
  let streams = 0;
  return async (app: FastifyInstance) => {
    const path = `/apis/${apiVersion}/environments/:name/:digest`;
    app.get(`${path}/index`, async (request, reply) => {
      const { name, digest } = addressOf(request);
      const text = await orNotFound(readFile(environments.index(name, digest), 'utf8'), name, digest);
      return reply.type('application/json').send(text);
    });
    app.post(`/apis/${apiVersion}/environments/:name/rollback`, async (request, reply) => {
      const { digest } = bodyOf(context, request) as { digest?: unknown };
      const { name } = checked({ ...(request.params as { name: string }), digest: String(digest) });
      const kept = { digest: String(digest), path: environments.tarball(name, String(digest)) };
      await orNotFound(access(kept.path), name, kept.digest);
      return sendWritten(reply, await context.service.rollBack(request.identity, name, kept));
    });
    app.post(`/apis/${apiVersion}/environments/:name/commit`, async (request, reply) => {
      const { name } = request.params as Address;
      const { message } = bodyOf(context, request) as { message?: unknown };
      if (message !== undefined && typeof message !== 'string')
        throw new RiverError('BadRequest', 'message must be a text');
      const asked = { action: 'commit', message } as const;
      return sendWritten(reply, await context.service.requestOfEnvironment(request.identity, name, asked));
    });
    app.post(`/apis/${apiVersion}/environments/:name/discard`, async (request, reply) => {
      const { name } = request.params as Address;
      const asked = { action: 'discard' } as const;
      return sendWritten(reply, await context.service.requestOfEnvironment(request.identity, name, asked));
    });
    app.get(`${path}/tarball`, async (request, reply) => {
      const address = addressOf(request);
      if (streams >= streamsAtOnce) throw busy();
      streams += 1;
      try {
        const file = await orNotFound(
          open(environments.tarball(address.name, address.digest)),
          address.name,
          address.digest,
        );
        await send(file, address, request, reply, context).finally(() => file.close());
      } finally {
        streams -= 1;
      }
    });
  };
}

function busy(): RiverError {
  return new RiverError(
    'TooManyRequests',
    `the host sends ${streamsAtOnce} environments at the moment: ask again`,
    { retryAfterSeconds: 1 },
  );
}

/** What is in the path becomes part of a file's name. */
function addressOf(request: FastifyRequest): Address {
  authorizeReader(request.identity);
  return checked(request.params as Address);
}

function checked({ name, digest }: Address): Address {
  const problem = nameProblem(name);
  if (problem !== undefined) throw new RiverError('BadRequest', `the name of the environment ${problem}`);
  if (!/^sha256:[0-9a-f]{64}$/.test(digest))
    throw new RiverError('BadRequest', 'the digest must be sha256: and 64 digits');
  return { name, digest };
}

function authorizeReader({ role, name }: Identity): void {
  if (role === 'admin' || role === 'node') return;
  throw new RiverError('Forbidden', `${role} ${name} may not read environments`);
}

async function orNotFound<T>(work: Promise<T>, name: string, digest: string): Promise<T> {
  try {
    return await work;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause;
    const message = `the host has no tarball of environment ${name} with digest ${digest}`;
    throw new RiverError('NotFound', message, { kind: 'environments', name }, { cause });
  }
}

/** Of one open file: it stays readable when it is deleted meanwhile. Backpressure reaches it. */
async function send(
  file: FileHandle,
  { digest }: Address,
  request: FastifyRequest,
  reply: FastifyReply,
  { logger }: RouteContext,
): Promise<void> {
  const { size } = await file.stat();
  const etag = `"${digest}"`;
  const isOther = request.headers['if-range'] !== undefined && request.headers['if-range'] !== etag;
  const range = byteRange(isOther ? undefined : request.headers.range, size);
  const common = { 'accept-ranges': 'bytes', etag, 'cache-control': 'no-store' };
  reply.hijack();
  if (range === 'unsatisfiable') {
    reply.raw.writeHead(416, { ...common, 'content-range': `bytes */${size}`, 'content-length': '0' }).end();
    return;
  }
  const { offset, size: length } = range === 'whole' ? { offset: 0, size } : range;
  reply.raw.writeHead(range === 'whole' ? 200 : 206, {
    ...common,
    'content-type': 'application/x-tar',
    'content-length': String(length),
    ...(range === 'whole' ? {} : { 'content-range': `bytes ${offset}-${offset + length - 1}/${size}` }),
  });
  if (length === 0) {
    reply.raw.end();
    return;
  }
  const bytes = file.createReadStream({
    start: offset,
    end: offset + length - 1,
    highWaterMark: chunkBytes,
    autoClose: false,
  });
  await pipeline(bytes, reply.raw).catch((error: unknown) => {
    logger.debug('an environment was not read to its end', { digest, reason: errorMessage(error) });
    reply.raw.destroy();
  });
}

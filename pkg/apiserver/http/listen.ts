import { isIPv6 } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { isLoopback } from '../../api/index.ts';
import { errorMessage, RiverError } from '../../base/index.ts';

export interface ListenOptions {
  /** `127.0.0.1`, `::1` (also in brackets) or `localhost`; nothing else until connections are encrypted. */
  host: string;
  /** 0: any free one. */
  port: number;
}

/** Answers the base URL. Raises `BadRequest` for an address that is not loopback, `ServiceUnavailable` for a taken port. */
export async function listen(app: FastifyInstance, { host: written, port }: ListenOptions): Promise<string> {
  const host = written.replace(/^\[(.*)\]$/, '$1');
  if (!isLoopback(host)) {
    throw new RiverError(
      'BadRequest',
      `cannot listen on ${host}: tokens would cross the network unencrypted; use 127.0.0.1`,
    );
  }
  try {
    await app.listen({ host, port });
  } catch (error) {
    throw listenError(error, host, port);
  }
  const address = app.server.address();
  const name = isIPv6(host) ? `[${host}]` : host;
  return `http://${name}:${typeof address === 'object' && address ? address.port : port}`;
}

function listenError(error: unknown, host: string, port: number): RiverError {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'EADDRINUSE') {
    return new RiverError(
      'ServiceUnavailable',
      `port ${port} on ${host} is taken: is another river-host running? Choose another with listen.port, or river dev --port`,
      {},
      { cause: error },
    );
  }
  if (code === 'EACCES') {
    return new RiverError(
      'Forbidden',
      `port ${port} is reserved for root: choose one from 1024 up with listen.port, or river dev --port`,
      {},
      { cause: error },
    );
  }
  return new RiverError(
    'InternalError',
    `cannot listen on ${host}:${port}: ${errorMessage(error)}`,
    {},
    { cause: error },
  );
}

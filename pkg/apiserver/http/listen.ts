import { isIPv6 } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { errorMessage, RiverError } from '../../base/index.ts';

export interface ListenOptions {
  /** As in `127.0.0.1`, `::1` (also in brackets) or `0.0.0.0`. */
  host: string;
  /** 0 stands for a free one. */
  port: number;
}

/** Answers the base URL, as this machine reaches it. Raises `ServiceUnavailable` for a taken port. */
export async function listen(app: FastifyInstance, { host: written, port }: ListenOptions): Promise<string> {
  const host = written.replace(/^\[(.*)\]$/, '$1');
  try {
    await app.listen({ host, port });
  } catch (error) {
    throw listenError(error, host, port);
  }
  const address = app.server.address();
  const reached = everywhere[host] ?? host;
  const name = isIPv6(reached) ? `[${reached}]` : reached;
  return `https://${name}:${typeof address === 'object' && address ? address.port : port}`;
}

/** The addresses that mean every address, and one by which the machine reaches itself then. */
const everywhere: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '::1' };

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
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND') {
    return new RiverError(
      'BadRequest',
      `cannot listen on ${host}: this machine has no such address; correct listen.address`,
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

import { once } from 'node:events';
import type { Server } from 'node:net';
import { errorMessage, RiverError } from '../../base/index.ts';

/** Answers the port. Raises `ServiceUnavailable` when it is taken, `Forbidden` when it is kept for root. */
export async function listenOn(
  server: Server,
  { host, port }: { host: string; port: number },
): Promise<number> {
  try {
    server.listen(port, host);
    await once(server, 'listening');
  } catch (error) {
    throw listenError(error, host, port);
  }
  const address = server.address();
  return typeof address === 'object' && address ? address.port : port;
}

function listenError(error: unknown, host: string, port: number): RiverError {
  const options = { cause: error };
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'EADDRINUSE') {
    const message = `port ${port} on ${host} is taken: is another river-host running? Choose another for the gateway with gateway.port`;
    return new RiverError('ServiceUnavailable', message, {}, options);
  }
  if (code === 'EACCES') {
    const message = `port ${port} is reserved for root: choose one from 1024 up with gateway.port`;
    return new RiverError('Forbidden', message, {}, options);
  }
  return new RiverError(
    'InternalError',
    `the gateway cannot listen on ${host}:${port}: ${errorMessage(error)}`,
    {},
    options,
  );
}

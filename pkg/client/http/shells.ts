import type { IncomingMessage } from 'node:http';
import { WebSocket } from 'ws';
import { RiverError } from '../../base/index.ts';
import {
  frameLimit,
  protocol,
  remoteShell,
  type ShellProcess,
  type ShellRequest,
} from '../../shell/index.ts';
import type { Connection } from './connection.ts';
import { connectionError } from './connection-errors.ts';

const handshakeMs = 30_000;
/** The host reads no more than 16 KiB before it knows who asks. */
const queryLimit = 12 * 1024;

/** Opens the connection and begins the program; refusals are raised as those of any other request. */
export async function openShell(
  connection: Connection,
  path: string,
  request: ShellRequest,
  signal: AbortSignal | undefined,
): Promise<ShellProcess> {
  const query = queryOf(request);
  if (query.length > queryLimit)
    throw new RiverError('BadRequest', 'the command is too long: put it into a file, and run that');
  signal?.throwIfAborted();
  const { address, trust, headers } = connection.handshake;
  const socket = new WebSocket(new URL(`${path}?${query}`, `wss://${address.host}`), [protocol], {
    ...trust,
    headers,
    handshakeTimeout: handshakeMs,
    maxPayload: frameLimit,
    perMessageDeflate: false,
  });
  signal?.addEventListener('abort', () => socket.terminate(), { once: true });
  return opened(socket, connection);
}

function queryOf({ command, term, size, ...flags }: ShellRequest): string {
  const query = new URLSearchParams();
  for (const word of command) query.append('command', word);
  for (const [name, value] of Object.entries({ ...flags, ...size })) query.set(name, String(value));
  if (term) query.set('term', term);
  return query.toString();
}

function opened(socket: WebSocket, connection: Connection): Promise<ShellProcess> {
  return new Promise((resolve, reject) => {
    // In this turn: the first messages may be here already.
    socket.once('open', () => resolve(remoteShell(socket, connection.server, connection.clock)));
    socket.once('error', (error) => reject(connectionError(error, connection.server)));
    socket.once('unexpected-response', (_request, response: IncomingMessage) => {
      void connection
        .refusal(response)
        .then(reject, reject)
        .finally(() => socket.terminate());
    });
  });
}

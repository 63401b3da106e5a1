import { type IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type WebSocket, WebSocketServer } from 'ws';
import { toStatus } from '../../api/index.ts';
import { type Logger, RiverError } from '../../base/index.ts';

interface Upgrade {
  socket: Socket;
  /** What came behind the request. */
  head: Buffer;
}

/** Of requests that ask for another protocol, until they are answered. */
const upgrades = new WeakMap<IncomingMessage, Upgrade>();
/** They belong to those who have accepted them. */
const accepted = new WeakSet<Socket>();

/**
 * A request that asks for another protocol goes the way of all others: it is authenticated, authorized, and refused with
 * a Status. Only a handler that calls `acceptWebSocket` gives it what it asks for; any other answer ends the connection.
 */
export function routeUpgrades(app: FastifyInstance, logger: Logger): void {
  const upgraded = new Set<Socket>();
  // The server does not count them any more, but waits for them.
  app.addHook('preClose', async () => {
    for (const socket of upgraded) if (!accepted.has(socket)) socket.destroy();
  });
  app.server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
    // The server has let go of the connection: nobody else would hear of its failure.
    socket.on('error', (error) => logger.debug('an upgraded connection failed', { reason: error.message }));
    const response = new ServerResponse(request);
    response.shouldKeepAlive = false;
    response.assignSocket(socket);
    response.on('finish', () => socket.destroySoon());
    upgrades.set(request, { socket, head });
    upgraded.add(socket);
    socket.on('close', () => upgraded.delete(socket));
    if (request.method === 'GET') app.routing(request, response);
    else refuseMethod(response);
  });
}

/** Its body cannot be read any more: to wait for it would be for ever. */
function refuseMethod(response: ServerResponse): void {
  const status = toStatus(new RiverError('BadRequest', 'only a GET may ask for another protocol'));
  response.writeHead(status.code, { 'content-type': 'application/json' }).end(JSON.stringify(status));
}

/** Raises `BadRequest` for a request that does not ask for a WebSocket with this protocol, or is not well-formed. */
export function acceptWebSocket(
  request: FastifyRequest,
  reply: FastifyReply,
  { protocol, frameLimit }: { protocol: string; frameLimit: number },
): Promise<WebSocket> {
  const upgrade = upgrades.get(request.raw);
  const offered = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim());
  if (upgrade === undefined || !offered.includes(protocol))
    throw new RiverError('BadRequest', `this is served over a WebSocket with the protocol ${protocol} only`);
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: frameLimit,
    handleProtocols: () => protocol,
  });
  return new Promise((resolve, reject) => {
    const refuse = (error?: Error) =>
      reject(new RiverError('BadRequest', `no WebSocket: ${error?.message ?? 'the client has gone'}`));
    if (upgrade.socket.destroyed) return refuse();
    server.on('wsClientError', refuse);
    const onClose = () => refuse();
    upgrade.socket.once('close', onClose);
    server.handleUpgrade(request.raw, upgrade.socket, upgrade.head, (socket) => {
      upgrade.socket.off('close', onClose);
      accepted.add(upgrade.socket);
      reply.hijack();
      reply.raw.detachSocket(upgrade.socket);
      // Until somebody listens: the first messages may be here already.
      socket.pause();
      resolve(socket);
    });
  });
}

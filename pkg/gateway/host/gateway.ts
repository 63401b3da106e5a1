import { createServer, type Server as NetServer, type Socket } from 'node:net';
import ssh2, { type Connection, type Server } from 'ssh2';
import { type Clock, errorMessage, type Logger, RiverError } from '../../base/index.ts';
import type { SshKey } from '../keys.ts';
import { algorithms, type ChannelRequest, forwarded, keepaliveCount } from '../protocol.ts';
import { authenticateNode, type NodeProof } from './authentication.ts';
import { listenOn } from './listen.ts';
import type { NodeChannel } from './node-channel.ts';
import { Tunnel, type TunnelLimits } from './tunnel.ts';
import { Tunnels } from './tunnels.ts';

export interface GatewayLimits extends TunnelLimits {
  /** Connections at a time that are not a tunnel yet. */
  strangers: number;
  /** Until a connection must have become a tunnel, milliseconds. */
  strangerMs: number;
  /** Silence on a tunnel after which its runner is asked whether it is there, milliseconds. */
  keepaliveMs: number;
}

const defaultLimits: GatewayLimits = {
  channels: 64,
  answerMs: 10_000,
  strangers: 100,
  strangerMs: 10_000,
  // Later than runners ask: a tunnel that works is never silent for so long.
  keepaliveMs: 15_000,
};

export interface GatewayOptions {
  /** Of the host: what runners pin. */
  key: SshKey;
  /** Public key of a node as the API knows it now; undefined: it may not connect. */
  keyOf: (node: string) => string | undefined;
  clock: Clock;
  logger: Logger;
  limits?: Partial<GatewayLimits>;
}

/**
 * The host's end of the tunnels: an ssh server that lets in nodes by their key, gives them nothing but one forwarded
 * name, and opens channels to their services.
 */
export class Gateway {
  readonly #options: GatewayOptions;
  readonly #limits: GatewayLimits;
  readonly #ssh: Server;
  readonly #net: NetServer;
  /** By `address:port` of the other end: ssh2 does not tell which socket a connection has. */
  readonly #sockets = new Map<string, Socket>();
  readonly #strangers = new Set<Socket>();
  readonly #tunnels: Tunnels;

  constructor(options: GatewayOptions) {
    this.#options = options;
    this.#limits = { ...defaultLimits, ...options.limits };
    this.#tunnels = new Tunnels(options.keyOf, options.clock);
    this.#ssh = new ssh2.Server(
      {
        hostKeys: [options.key.privateKey],
        ident: 'river',
        algorithms,
        keepaliveInterval: this.#limits.keepaliveMs,
        keepaliveCountMax: keepaliveCount,
      },
      (connection, { ip, port }) => this.#connected(connection, `${ip}:${port}`),
    );
    this.#net = createServer((socket) => this.#accept(socket));
  }

  get publicKey(): string {
    return this.#options.key.publicKey;
  }

  /** Answers the port; which addresses are allowed is settled before. Raises `ServiceUnavailable` for a taken port. */
  listen(address: { host: string; port: number }): Promise<number> {
    return listenOn(this.#net, address);
  }

  isConnected(node: string): boolean {
    return this.#tunnels.get(node) !== undefined;
  }

  /** Whether it is connected at the moment, or comes back within `withinMs`. */
  whenConnected(node: string, withinMs: number, signal?: AbortSignal): Promise<boolean> {
    return this.#tunnels.wait(node, withinMs, signal);
  }

  /**
   * A channel to a service of a node. Raises `ServiceUnavailable` when it is not connected or the connection breaks,
   * `TooManyRequests`, `Timeout`, and what the service refuses.
   */
  async openChannel(node: string, request: ChannelRequest, signal?: AbortSignal): Promise<NodeChannel> {
    const tunnel = this.#tunnels.get(node);
    if (!tunnel) throw new RiverError('ServiceUnavailable', `node ${node} is not connected`);
    return tunnel.open(request, signal);
  }

  /** Ends the tunnel of a node whose key counts no more. */
  recheck(node: string): void {
    if (this.#tunnels.recheck(node))
      this.#options.logger.info('the tunnel of a node was closed: its key counts no more', { node });
  }

  /** Ends every connection. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => {
      this.#net.close(() => resolve());
    });
    for (const socket of this.#sockets.values()) socket.destroy();
    await closed;
  }

  #accept(socket: Socket): void {
    if (this.#strangers.size >= this.#limits.strangers) {
      socket.destroy();
      return;
    }
    const peer = `${socket.remoteAddress}:${socket.remotePort}`;
    const timer = this.#options.clock.after(this.#limits.strangerMs, () => this.#giveUp(socket, peer), {
      unref: true,
    });
    this.#strangers.add(socket);
    this.#sockets.set(peer, socket);
    socket.setNoDelay(true);
    socket.on('error', () => socket.destroy());
    socket.once('close', () => {
      timer.cancel();
      this.#strangers.delete(socket);
      this.#sockets.delete(peer);
    });
    this.#ssh.injectSocket(socket);
  }

  #giveUp(socket: Socket, peer: string): void {
    if (!this.#strangers.has(socket)) return;
    this.#options.logger.warn('a connection to the gateway was closed: it never became a tunnel', { peer });
    socket.destroy();
  }

  #connected(connection: Connection, peer: string): void {
    const { keyOf, logger } = this.#options;
    let proof: NodeProof | undefined;
    const accepted = (shown: NodeProof) => {
      proof = shown;
    };
    connection.on('error', (error: unknown) => {
      logger.debug('a connection to the gateway broke', { peer, reason: errorMessage(error) });
      this.#sockets.get(peer)?.destroy();
    });
    authenticateNode(connection, { peer, keyOf, logger, accepted });
    // All else that ssh can ask for is refused: a connection without a listener for it says no.
    connection.on('request', (accept, reject, name, info) => {
      const wanted =
        name === 'tcpip-forward' && info.bindAddr === forwarded.address && info.bindPort === forwarded.port;
      if (!proof || !wanted) return reject?.();
      accept?.();
      this.#join(connection, proof, peer);
    });
  }

  #join(connection: Connection, proof: NodeProof, peer: string): void {
    const { clock, logger } = this.#options;
    const socket = this.#sockets.get(peer);
    if (!socket || !this.#strangers.delete(socket)) return;
    const tunnel = new Tunnel({
      connection,
      proof,
      clock,
      limits: this.#limits,
      cut: () => socket.destroy(),
    });
    logger.info('the tunnel of a node is open', { node: proof.node, peer });
    this.#tunnels.add(tunnel);
    socket.once('close', () => {
      if (this.#tunnels.remove(tunnel))
        logger.info('the tunnel of a node has ended', { node: proof.node, peer });
    });
  }
}

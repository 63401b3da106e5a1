import ssh2, { type Client, type ClientChannel } from 'ssh2';
import {
  backoffDelay,
  type Clock,
  errorMessage,
  type Logger,
  type Rng,
  type Timer,
} from '../../base/index.ts';
import type { GatewayAddress } from '../../client/index.ts';
import type { SshKey } from '../keys.ts';
import { algorithms, forwarded, keepaliveCount, keepaliveMs, userOfNode } from '../protocol.ts';
import { type ChannelService, serveChannel } from './channel-server.ts';

export interface RunnerTunnelOptions {
  node: string;
  key: SshKey;
  /** Name or address of the host, as the runner reaches its API. */
  host: string;
  services: Readonly<Record<string, ChannelService>>;
  clock: Clock;
  rng: Rng;
  logger: Logger;
  /** Channels at a time, whatever the host thinks. Default 128. */
  channels?: number;
}

const retry = { baseMs: 250, capMs: 5_000 };
const connectMs = 10_000;

/**
 * The runner's end: one connection to the gateway that the host has told of, kept up for as long as it is wanted. Takes
 * it for the host only when it has the key that the API gave.
 */
export class RunnerTunnel {
  readonly #options: RunnerTunnelOptions;
  #target: GatewayAddress | undefined;
  #connection: Client | undefined;
  #timer: Timer | undefined;
  #failures = 0;
  #channels = 0;
  #closed = false;

  constructor(options: RunnerTunnelOptions) {
    this.#options = options;
  }

  get publicKey(): string {
    return this.#options.key.publicKey;
  }

  /** Where the host says that its gateway is; said again with every heartbeat. Undefined: it has none. */
  offered(target: GatewayAddress | undefined): void {
    const { port, publicKey } = this.#target ?? {};
    if (this.#closed || (port === target?.port && publicKey === target?.publicKey)) return;
    this.#target = target;
    this.#failures = 0;
    this.#drop();
    this.#connect();
  }

  close(): void {
    this.#closed = true;
    this.#drop();
  }

  /** Channels that are open are cut: what is read in them goes on in the next ones. */
  #drop(): void {
    this.#timer?.cancel();
    const connection = this.#connection;
    this.#connection = undefined;
    connection?.destroy();
  }

  #connect(): void {
    const target = this.#target;
    if (!target) return;
    const connection = new ssh2.Client();
    this.#connection = connection;
    let reason = 'the connection was closed';
    connection.on('error', (error) => {
      reason = errorMessage(error);
    });
    connection.on('close', () => {
      if (this.#connection === connection) this.#lost(reason);
    });
    connection.on('ready', () => this.#forward(connection));
    connection.on('tcp connection', (_details, accept, reject) => {
      if (this.#channels >= (this.#options.channels ?? 128)) reject();
      else this.#serve(accept());
    });
    this.#dial(connection, target);
  }

  #dial(connection: Client, { port, publicKey }: GatewayAddress): void {
    const { host, node, key } = this.#options;
    connection.connect({
      host,
      port,
      username: userOfNode(node),
      privateKey: key.privateKey,
      hostVerifier: (shown: Buffer) => shown.toString('base64') === publicKey.split(' ')[1],
      algorithms,
      readyTimeout: connectMs,
      keepaliveInterval: keepaliveMs,
      keepaliveCountMax: keepaliveCount,
    });
    connection.setNoDelay(true);
  }

  #forward(connection: Client): void {
    const { logger } = this.#options;
    connection.forwardIn(forwarded.address, forwarded.port, (error) => {
      if (error) {
        connection.destroy();
        return;
      }
      this.#failures = 0;
      logger.info('the tunnel to the host is open', { port: this.#target?.port });
    });
  }

  #serve(channel: ClientChannel): void {
    const { services, clock, logger } = this.#options;
    this.#channels += 1;
    void serveChannel(channel, { services, clock, logger }).finally(() => {
      this.#channels -= 1;
    });
  }

  #lost(reason: string): void {
    const { clock, rng, logger } = this.#options;
    this.#connection = undefined;
    const told = { reason, failures: this.#failures };
    // Once when it breaks, not at every try: a host may be away for days.
    if (this.#failures === 0) logger.warn('there is no tunnel to the host; it is tried again', told);
    else logger.debug('the tunnel to the host cannot be opened', told);
    this.#timer = clock.after(backoffDelay(retry, this.#failures++, rng), () => this.#connect(), {
      unref: true,
    });
  }
}

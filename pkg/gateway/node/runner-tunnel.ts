import { connect, type Socket } from 'node:net';
import ssh2, { type ClientChannel } from 'ssh2';
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
import { algorithms, forwarded, keepaliveCount, userOfNode } from '../protocol.ts';
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
  /** Between two questions whether the host is there, milliseconds. Default 10,000. */
  keepaliveMs?: number;
}

const retry = { baseMs: 250, capMs: 5_000 };
/** A tunnel that lasted so long had nothing wrong with it; one that is cut at once is not opened again at once. */
const healthyMs = 10_000;
const connectMs = 10_000;
const defaultChannels = 128;
const defaultKeepaliveMs = 10_000;

interface Outcome {
  opened: () => void;
  fail: (reason: string) => void;
}

/**
 * The runner's end: one connection to the gateway that the host has told of, kept up for as long as it is wanted. Takes
 * it for the host only when it has the key that the API gave.
 */
export class RunnerTunnel {
  readonly #options: RunnerTunnelOptions;
  #target: GatewayAddress | undefined;
  #socket: Socket | undefined;
  #timer: Timer | undefined;
  #failures = 0;
  #openSince: number | undefined;
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
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.destroy();
  }

  /** On a socket of our own: ssh2 lets go of a connection that it gives up only when the other side does, too. */
  #connect(): void {
    const target = this.#target;
    if (!target) return;
    const { host, clock } = this.#options;
    const socket = connect({ host, port: target.port, noDelay: true });
    const timer = clock.after(connectMs, () => fail('it did not come about in time'), { unref: true });
    let reason = 'the connection was closed';
    const fail = (why: string) => {
      reason = why;
      socket.destroy();
    };
    this.#socket = socket;
    socket.on('close', () => {
      timer.cancel();
      if (this.#socket === socket) this.#lost(reason);
    });
    this.#speak(socket, target, { opened: () => timer.cancel(), fail });
  }

  #speak(socket: Socket, { port, publicKey }: GatewayAddress, { opened, fail }: Outcome): void {
    const { node, key, clock, logger } = this.#options;
    const client = new ssh2.Client();
    client.on('error', (error) => fail(errorMessage(error)));
    client.on('tcp connection', (_details, accept, reject) => {
      if (this.#channels >= (this.#options.channels ?? defaultChannels)) reject();
      else this.#serve(accept());
    });
    client.on('ready', () =>
      client.forwardIn(forwarded.address, forwarded.port, (error) => {
        if (error) return fail(errorMessage(error));
        this.#openSince = clock.monotonic();
        opened();
        logger.info('the tunnel to the host is open', { port });
      }),
    );
    client.connect({
      sock: socket,
      username: userOfNode(node),
      privateKey: key.privateKey,
      hostVerifier: (shown: Buffer) => shown.toString('base64') === publicKey.split(' ')[1],
      algorithms,
      readyTimeout: 0,
      keepaliveInterval: this.#options.keepaliveMs ?? defaultKeepaliveMs,
      keepaliveCountMax: keepaliveCount,
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
    this.#socket = undefined;
    const wasOpen = this.#openSince !== undefined;
    if (this.#openSince !== undefined && clock.monotonic() - this.#openSince >= healthyMs) this.#failures = 0;
    this.#openSince = undefined;
    const told = { reason, failures: this.#failures };
    // Once when it breaks, not at every try: a host may be away for days.
    if (wasOpen || this.#failures === 0)
      logger.warn('there is no tunnel to the host; it is tried again', told);
    else logger.debug('the tunnel to the host cannot be opened', told);
    this.#timer = clock.after(backoffDelay(retry, this.#failures++, rng), () => this.#connect(), {
      unref: true,
    });
  }
}

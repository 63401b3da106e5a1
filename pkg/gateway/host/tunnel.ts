import type { Connection, ServerChannel } from 'ssh2';
import { type Clock, RiverError } from '../../base/index.ts';
import { type ChannelRequest, forwarded } from '../protocol.ts';
import type { NodeProof } from './authentication.ts';
import { broken, type NodeChannel, requestService } from './node-channel.ts';

export interface TunnelLimits {
  /** Open at a time in one tunnel. */
  channels: number;
  /** Until a node must have agreed to a channel, and its service must have answered; milliseconds. */
  answerMs: number;
}

export interface TunnelParts {
  connection: Connection;
  proof: NodeProof;
  clock: Clock;
  limits: TunnelLimits;
  /** Ends the connection at once. */
  cut: () => void;
}

/** The connection of one node that takes channels. */
export class Tunnel {
  readonly proof: NodeProof;
  readonly #parts: TunnelParts;
  readonly #open = new Set<ServerChannel>();
  #opening = 0;
  #closed = false;

  constructor(parts: TunnelParts) {
    this.proof = parts.proof;
    this.#parts = parts;
  }

  /** Raises `TooManyRequests`, `ServiceUnavailable` when the connection breaks, and what the service refuses. */
  async open(request: ChannelRequest, signal?: AbortSignal): Promise<NodeChannel> {
    const { node } = this.proof;
    const { clock, limits } = this.#parts;
    const { channels, answerMs } = limits;
    if (this.#open.size + this.#opening >= channels) {
      const message = `node ${node} has ${channels} open channels, and more would slow all of them down: try again later`;
      throw new RiverError('TooManyRequests', message, { retryAfterSeconds: 5 });
    }
    const channel = await this.#openChannel();
    this.#open.add(channel);
    channel.once('close', () => this.#open.delete(channel));
    const opened = await requestService(channel, node, request, { clock, answerMs });
    if (signal?.aborted) opened.close();
    else this.#closeOn(signal, channel, opened);
    return opened;
  }

  close(): void {
    this.#closed = true;
    this.#parts.cut();
  }

  #closeOn(signal: AbortSignal | undefined, channel: ServerChannel, { close }: NodeChannel): void {
    signal?.addEventListener('abort', close, { once: true });
    channel.once('close', () => signal?.removeEventListener('abort', close));
  }

  #openChannel(): Promise<ServerChannel> {
    const { node } = this.proof;
    const { clock, connection } = this.#parts;
    const { answerMs } = this.#parts.limits;
    const { promise, resolve, reject } = Promise.withResolvers<ServerChannel>();
    let given = false;
    const timer = clock.after(
      answerMs,
      () => {
        given = true;
        reject(new RiverError('Timeout', `node ${node} did not open a channel within ${answerMs / 1000} s`));
      },
      { unref: true },
    );
    this.#opening += 1;
    const { address, port } = forwarded;
    if (this.#closed) reject(broken(node));
    else
      connection.forwardOut(address, port, address, 0, (error, channel) => {
        timer.cancel();
        if (!error && given) channel.close();
        else if (error) reject(refusal(node, error));
        else resolve(channel);
      });
    return promise.finally(() => {
      timer.cancel();
      this.#opening -= 1;
    });
  }
}

/** ssh2 tells a refusal and a connection that breaks in the same way; both pass. */
function refusal(node: string, error: Error): RiverError {
  const message = `node ${node} does not open a channel now: ${error.message}`;
  return new RiverError('ServiceUnavailable', message, {}, { cause: error });
}

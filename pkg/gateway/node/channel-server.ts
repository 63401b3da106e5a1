import type { ClientChannel } from 'ssh2';
import { type Clock, errorMessage, type Logger, RiverError } from '../../base/index.ts';
import { encodeFrame, frameTypes } from '../frames.ts';
import { type ChannelRequest, decodeLine, encodeLine, lineLimit, toWireError } from '../protocol.ts';

/** What a service has of its channel. */
export interface ServiceChannel {
  /** Once, before anything is sent. */
  answer(fields: Record<string, unknown>): Promise<void>;
  /** Resolves when the other side has room for more; raises `ServiceUnavailable` when the channel is closed. */
  send(chunk: Uint8Array): Promise<void>;
  /** Whether the host has said that nothing more comes from it. */
  readonly finished: boolean;
  onFinished(listener: () => void): { close(): void };
  /** Aborts when the channel is closed. */
  readonly signal: AbortSignal;
}

/** Serves one channel. When it returns, all is sent; what it raises is told to the host. */
export type ChannelService = (request: ChannelRequest, channel: ServiceChannel) => Promise<void>;

export interface ChannelServerOptions {
  services: Readonly<Record<string, ChannelService>>;
  clock: Clock;
  logger: Logger;
}

/** Until the host must have said what a channel is for, milliseconds. */
const requestMs = 10_000;

/** Reads what a channel is for and gives it to that service. Never rejects. */
export async function serveChannel(channel: ClientChannel, options: ChannelServerOptions): Promise<void> {
  const { services, clock, logger } = options;
  const session = new Session(channel);
  const timer = clock.after(requestMs, () => channel.close(), { unref: true });
  try {
    const request = (await session.request) as ChannelRequest | undefined;
    timer.cancel();
    if (!request) throw new RiverError('BadRequest', 'the first line must be a request in JSON');
    const service = Object.hasOwn(services, request.service) ? services[request.service] : undefined;
    if (!service) {
      const name = JSON.stringify(request.service)?.slice(0, 100);
      throw new RiverError(
        'NotFound',
        `there is no service ${name} here: is this runner older than its host?`,
      );
    }
    await service(request, session);
    await session.end();
  } catch (error) {
    if (!session.signal.aborted) logger.debug('a channel failed', { reason: errorMessage(error) });
    await session.fail(error);
  } finally {
    timer.cancel();
    channel.end(() => channel.close());
  }
}

class Session implements ServiceChannel {
  /** Undefined when the channel has ended before, or what came is no request. */
  readonly request: Promise<Record<string, unknown> | undefined>;
  readonly #channel: ClientChannel;
  readonly #closed = new AbortController();
  readonly #listeners = new Set<() => void>();
  #finished = false;
  #answered = false;

  constructor(channel: ClientChannel) {
    this.#channel = channel;
    const { promise, resolve } = Promise.withResolvers<Buffer | undefined>();
    this.request = promise.then((line) => line && decodeLine(line));
    let line: Buffer | undefined = Buffer.alloc(0);
    // Goes on reading for ever: only so is the end of the channel told.
    channel.on('data', (chunk: Buffer) => {
      if (!line) return;
      const end = chunk.indexOf(0x0a);
      line = Buffer.concat([line, end < 0 ? chunk : chunk.subarray(0, end)]);
      if (end < 0 && line.length <= lineLimit) return;
      resolve(line.length <= lineLimit ? line : undefined);
      line = undefined;
    });
    channel.on('end', () => {
      this.#finished = true;
      for (const listener of this.#listeners) listener();
      resolve(undefined);
    });
    channel.on('close', () => {
      this.#closed.abort();
      resolve(undefined);
    });
    channel.on('error', () => {});
  }

  get signal(): AbortSignal {
    return this.#closed.signal;
  }

  get finished(): boolean {
    return this.#finished;
  }

  onFinished(listener: () => void): { close(): void } {
    this.#listeners.add(listener);
    return { close: () => this.#listeners.delete(listener) };
  }

  async answer(fields: Record<string, unknown>): Promise<void> {
    this.#answered = true;
    await this.#write(encodeLine(fields));
  }

  send(chunk: Uint8Array): Promise<void> {
    return this.#write(encodeFrame(frameTypes.data, chunk));
  }

  end(): Promise<void> {
    return this.#write(encodeFrame(frameTypes.end, new Uint8Array()));
  }

  async fail(error: unknown): Promise<void> {
    const wire = toWireError(error);
    const bytes = this.#answered
      ? encodeFrame(frameTypes.error, Buffer.from(JSON.stringify(wire)))
      : encodeLine({ error: wire });
    await this.#write(bytes).catch(() => {});
  }

  /** Resolves when ssh has taken the bytes: it takes no more than the host has room for. A dead channel never calls back. */
  #write(bytes: Buffer): Promise<void> {
    return new Promise((resolve, reject) => {
      const onClosed = () => reject(new RiverError('ServiceUnavailable', 'the channel is closed'));
      if (this.signal.aborted) return onClosed();
      this.signal.addEventListener('abort', onClosed, { once: true });
      this.#channel.write(bytes, () => {
        this.signal.removeEventListener('abort', onClosed);
        resolve();
      });
    });
  }
}

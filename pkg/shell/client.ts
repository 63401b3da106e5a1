import type { WebSocket } from 'ws';
import { type Clock, errorMessage, RiverError } from '../base/index.ts';
import { readEnding } from './ending.ts';
import { closeFrame, dataFrames, readFrame, sizeText } from './frames.ts';
import { keepAlive } from './keep-alive.ts';
import { Messages, send } from './messages.ts';
import type { OutputPiece, ShellProcess, TerminalSize } from './types.ts';

/** A program on the other side of a connection that was just opened. `server`: its address, for messages. */
export function remoteShell(socket: WebSocket, server: string, clock: Clock): ShellProcess {
  return new RemoteShell(socket, server, clock);
}

class RemoteShell implements ShellProcess {
  readonly output: AsyncIterable<OutputPiece>;
  readonly #socket: WebSocket;
  readonly #server: string;
  readonly #ending = Promise.withResolvers<number>();

  constructor(socket: WebSocket, server: string, clock: Clock) {
    this.#socket = socket;
    this.#server = server;
    let cause = new Error('the connection was closed');
    socket.on('error', (error) => {
      cause = error;
    });
    socket.on('close', (code, reason) => {
      const why = reason.toString() || errorMessage(cause);
      this.#ending.reject(this.#cutOff(`${why} (${code})`, cause));
    });
    // Whoever wants to know asks later.
    this.#ending.promise.catch(() => {});
    keepAlive(socket, clock);
    this.output = this.#read(new Messages(socket));
  }

  async write(data: Uint8Array): Promise<void> {
    for (const frame of dataFrames('stdin', data)) await send(this.#socket, frame);
  }

  endInput(): void {
    void send(this.#socket, closeFrame('stdin'));
  }

  resize(size: TerminalSize): void {
    for (const frame of dataFrames('resize', sizeText(size))) void send(this.#socket, frame);
  }

  exitCode(): Promise<number> {
    return this.#ending.promise;
  }

  /** The other side hangs the program up when the connection is closed. */
  async hangUp(): Promise<void> {
    this.#socket.terminate();
  }

  async *#read(messages: Messages): AsyncGenerator<OutputPiece> {
    try {
      for await (const { data, isBinary } of messages) {
        const frame = readFrame(data, isBinary);
        if ('closed' in frame || frame.data.length === 0) continue;
        if (frame.channel === 'error') return this.#end(frame.data);
        if (frame.channel === 'stdout' || frame.channel === 'stderr')
          yield { stream: frame.channel, data: frame.data };
      }
    } catch (error) {
      this.#ending.reject(this.#cutOff(errorMessage(error), error));
    } finally {
      messages.ignore();
      this.#socket.close();
    }
  }

  #end(status: Buffer): void {
    try {
      this.#ending.resolve(readEnding(status));
    } catch (error) {
      this.#ending.reject(error);
    }
  }

  #cutOff(why: string, cause: unknown): RiverError {
    return new RiverError(
      'ServiceUnavailable',
      `the connection to the host at ${this.#server} was lost: ${why}`,
      {},
      { cause },
    );
  }
}

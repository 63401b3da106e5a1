import type { WebSocket } from 'ws';

interface Message {
  data: Buffer;
  isBinary: boolean;
}

/**
 * The messages of a connection, one by one, until it is closed. The next one is read from the network only when it is
 * asked for, beside what came together with the one before.
 */
export class Messages implements AsyncIterable<Message> {
  readonly #socket: WebSocket;
  readonly #queue: Message[] = [];
  #wake: () => void = () => {};
  #ignored = false;

  /** From now on none is lost. */
  constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on('message', (data, isBinary) => {
      if (this.#ignored) return;
      this.#queue.push({ data: data as Buffer, isBinary });
      socket.pause();
      this.#wake();
    });
    socket.on('close', () => this.#wake());
  }

  /** What still comes counts for nothing; pings, their answers and the end are heard on. */
  ignore(): void {
    this.#ignored = true;
    this.#socket.resume();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Message> {
    for (;;) {
      const next = this.#queue.shift();
      if (next) yield next;
      else if (this.#socket.readyState === this.#socket.CLOSED) return;
      else await this.#more();
    }
  }

  #more(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    this.#socket.resume();
    return promise;
  }
}

/** Resolves when the network has taken it, or never will: who sends waits for a slow reader. */
export function send(socket: WebSocket, message: Uint8Array): Promise<void> {
  return new Promise((resolve) => socket.send(message, { binary: true }, () => resolve()));
}

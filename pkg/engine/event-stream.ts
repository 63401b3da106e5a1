import type { Readable } from 'node:stream';
import { type BackoffOptions, backoffDelay, type Clock, type Rng, sleep } from '../base/index.ts';

/** One that lasted so long had nothing wrong with it: one that is cut at once is not asked for again at once. */
const healthyMs = 10_000;

export interface EventStreamParts {
  /** Asks the engine for its events. `signal`: nobody wants them any more. */
  ask: (signal: AbortSignal) => Promise<unknown>;
  retry: BackoffOptions;
  clock: Clock;
  rng: Rng;
  /** What an event says of the container (or whatever it is about): its labels, its name. A hint only. */
  onEvent: (attributes: Readonly<Record<string, string>>) => void;
  /** Before the first event of each connection. `again`: there was one before, and anything may have happened meanwhile. */
  onConnected: (again: boolean) => Promise<void> | void;
  /** The connection was lost: it is tried again. Must not raise. */
  onLost: () => void;
}

/** The stream of events of an engine, kept open with back-off until `close`: so nobody has to ask it again and again. */
export class EventStream {
  readonly #parts: EventStreamParts;
  readonly #closed = new AbortController();
  #stream: Readable | undefined;
  #connections = 0;

  constructor(parts: EventStreamParts) {
    this.#parts = parts;
  }

  /** Counts the connections; undefined while there is none. */
  get connection(): number | undefined {
    return this.#stream && this.#connections;
  }

  /** Answers when events are being heard; raises when the engine cannot be reached. Keeps itself alive from then on. */
  async open(): Promise<void> {
    await this.#connect();
    void this.#keep();
  }

  /** As `open`, for who need not know when; an engine that cannot be reached is tried again at the first time too. */
  follow(): void {
    void this.#connect()
      .catch(() => {})
      .then(() => this.#keep());
  }

  close(): void {
    this.#closed.abort();
    this.#stream?.destroy();
  }

  async #connect(): Promise<void> {
    const { signal } = this.#closed;
    const stream = (await this.#parts.ask(signal)) as Readable;
    // Until somebody listens to it: one that breaks at once is found broken then.
    stream.on('error', () => {});
    if (signal.aborted) {
      stream.destroy();
      return;
    }
    this.#stream = stream;
    this.#connections += 1;
    try {
      await this.#parts.onConnected(this.#connections > 1);
    } catch (error) {
      stream.destroy();
      this.#stream = undefined;
      throw error;
    }
  }

  async #keep(): Promise<void> {
    const { clock, rng, retry, onLost } = this.#parts;
    const { signal } = this.#closed;
    for (let attempt = 0; !signal.aborted; ) {
      if (this.#stream) {
        const since = clock.monotonic();
        await this.#listen(this.#stream).catch(() => {});
        this.#stream = undefined;
        if (signal.aborted) return;
        if (clock.monotonic() - since >= healthyMs) attempt = 0;
        onLost();
      }
      await sleep(clock, backoffDelay(retry, attempt++, rng), signal).catch(() => {});
      if (!signal.aborted) await this.#connect().catch(() => {});
    }
  }

  async #listen(stream: Readable): Promise<void> {
    let rest = '';
    for await (const chunk of stream) {
      const lines = (rest + String(chunk)).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) this.#parts.onEvent(attributesOf(line));
    }
  }
}

/** None of what is no event. */
function attributesOf(line: string): Record<string, string> {
  try {
    const event = JSON.parse(line) as { Actor?: { Attributes?: Record<string, string> } };
    return event.Actor?.Attributes ?? {};
  } catch {
    return {};
  }
}

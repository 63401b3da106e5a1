import type { Readable } from 'node:stream';
import type Docker from 'dockerode';
import { labels } from '../../api/index.ts';
import { backoffDelay, type Clock, type Logger, type Rng, sleep } from '../../base/index.ts';
import type { Absences } from './absences.ts';
import { enginesAlive } from './engine-lives.ts';
import { answeredWithin, answerWithinMs } from './patience.ts';

const retry = { baseMs: 100, capMs: 5_000 };
/** One that lasted so long had nothing wrong with it: one that is cut at once is not asked for again at once. */
const healthyMs = 10_000;

export interface EngineEventsParts {
  engine: Docker;
  clusterUid: string;
  clock: Clock;
  rng: Rng;
  logger: Logger;
  absences: Absences;
  bootId: () => string;
  /** A container of the cluster ended. A hint only: what is so is asked with inspect. */
  onDie: (runUid: string) => void;
  /** The connection was lost: it is tried again. */
  onLost: () => void;
  /** Connected, after it was not: anything may have happened meanwhile. */
  onReconnect: () => void;
}

/** The run of a `die` event; undefined for anything else that the engine may say. */
function runOfEvent(line: string): string | undefined {
  try {
    const event = JSON.parse(line) as { Actor?: { Attributes?: Record<string, string> } };
    return event.Actor?.Attributes?.[labels.runUid];
  } catch {
    return undefined;
  }
}

/** One stream of events for one engine, kept open with back-off. */
export class EngineEvents {
  readonly #parts: EngineEventsParts;
  #stream: Readable | undefined;
  #closed = false;
  #attempt = 0;
  /** How often the connection was lost. */
  #losses = 0;
  /** Runs whose start was asked for over the connection since this loss. */
  readonly #begun = new Map<string, number>();
  /** Runs whose start was asked for and whose end was heard over one and the same connection. */
  readonly #heard = new Set<string>();

  constructor(parts: EngineEventsParts) {
    this.#parts = parts;
  }

  /**
   * Whether the engine has made this container since its own start: it remembers its newest events, and those only for as
   * long as it lives. False also for one that was made long ago.
   */
  async hasMade(id: string): Promise<boolean> {
    const { engine, clock } = this.#parts;
    const filters = { type: ['container' as const], event: ['create'], container: [id] };
    const until = clock.now() / 1000;
    return answeredWithin(clock, answerWithinMs, async (abortSignal) => {
      const asked = await engine.getEvents({ since: 1, until, filters, abortSignal });
      let text = '';
      for await (const chunk of asked as unknown as Readable) text += String(chunk);
      return text.includes(id);
    });
  }

  /** Before its container is made. */
  beginning(runUid: string): void {
    if (this.#stream && !this.#begun.has(runUid)) this.#begun.set(runUid, this.#losses);
  }

  /** Whether the engine is known to have lived from its start to its end: then it has all of its output. */
  async hasHeardAll(runUid: string, id: string): Promise<boolean> {
    return this.#heard.has(runUid) || this.hasMade(id);
  }

  forget(runUid: string): void {
    this.#begun.delete(runUid);
    this.#heard.delete(runUid);
  }

  /** Answers when events are being heard; raises when the engine cannot be reached. Keeps itself alive from then on. */
  async open(): Promise<void> {
    await this.#connect();
    this.#keep().catch((error: unknown) =>
      this.#parts.logger.error('the events of the engine are not followed any more', { error }),
    );
  }

  async #connect(): Promise<void> {
    const { engine, clusterUid, clock } = this.#parts;
    const filters = {
      type: ['container' as const],
      event: ['die'],
      label: [`${labels.cluster}=${clusterUid}`],
    };
    const stream = (await answeredWithin(clock, answerWithinMs, (abortSignal) =>
      engine.getEvents({ filters, abortSignal }),
    )) as unknown as Readable;
    // Until somebody listens to it: one that breaks at once is found broken then.
    stream.on('error', () => {});
    if (this.#closed) {
      stream.destroy();
      return;
    }
    this.#stream = stream;
    // Not before it was connected to: else an engine that ends in between would pass for this one.
    this.#parts.absences.end(await enginesAlive(this.#parts.bootId()));
  }

  async #keep(): Promise<void> {
    const { clock, logger, absences, onLost } = this.#parts;
    while (!this.#closed) {
      const since = clock.monotonic();
      await this.#listen().catch(() => {});
      this.#stream = undefined;
      this.#losses += 1;
      if (this.#closed) return;
      if (clock.monotonic() - since >= healthyMs) this.#attempt = 0;
      absences.begin();
      onLost();
      logger.warn('lost the connection to the Docker Engine; trying again');
      await this.#reconnect();
    }
  }

  async #listen(): Promise<void> {
    let rest = '';
    if (this.#stream === undefined) return;
    for await (const chunk of this.#stream) {
      const lines = (rest + String(chunk)).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        const runUid = runOfEvent(line);
        if (runUid === undefined) continue;
        if (this.#begun.get(runUid) === this.#losses) this.#heard.add(runUid);
        this.#parts.onDie(runUid);
      }
    }
  }

  async #reconnect(): Promise<void> {
    while (!this.#closed) {
      await sleep(this.#parts.clock, backoffDelay(retry, this.#attempt++, this.#parts.rng));
      try {
        if (!this.#closed) await this.#connect();
        if (!this.#closed) this.#parts.onReconnect();
        return;
      } catch {
        // Not back yet: the loop goes on.
      }
    }
  }

  close(): void {
    this.#closed = true;
    this.#stream?.destroy();
  }
}

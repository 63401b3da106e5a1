import type { Readable } from 'node:stream';
import type Docker from 'dockerode';
import { labels } from '../../api/index.ts';
import type { Clock, Logger, Rng } from '../../base/index.ts';
import { EventStream } from '../../engine/index.ts';
import type { Absences } from './absences.ts';
import { enginesAlive } from './engine-lives.ts';
import { answeredWithin, answerWithinMs } from './patience.ts';

const retry = { baseMs: 100, capMs: 5_000 };

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

/** What one engine tells of the ends of this cluster's containers. */
export class EngineEvents {
  readonly #parts: EngineEventsParts;
  readonly #stream: EventStream;
  /** Runs whose start was asked for over this connection. */
  readonly #begun = new Map<string, number>();
  /** Runs whose start was asked for and whose end was heard over one and the same connection. */
  readonly #heard = new Set<string>();

  constructor(parts: EngineEventsParts) {
    const { engine, clusterUid, clock, rng } = parts;
    const label = [`${labels.cluster}=${clusterUid}`];
    const filters = { type: ['container' as const], event: ['die'], label };
    this.#parts = parts;
    this.#stream = new EventStream({
      ...{ retry, clock, rng },
      ask: () =>
        answeredWithin(clock, answerWithinMs, (abortSignal) => engine.getEvents({ filters, abortSignal })),
      onConnected: (again) => this.#connected(again),
      onEvent: (attributes) => this.#ended(attributes[labels.runUid]),
      onLost: () => this.#lost(),
    });
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
    const { connection } = this.#stream;
    if (connection !== undefined && !this.#begun.has(runUid)) this.#begun.set(runUid, connection);
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
  open(): Promise<void> {
    return this.#stream.open();
  }

  /** Not before it was connected to: else an engine that ends in between would pass for this one. */
  async #connected(again: boolean): Promise<void> {
    this.#parts.absences.end(await enginesAlive(this.#parts.bootId()));
    if (again) this.#parts.onReconnect();
  }

  #lost(): void {
    const { absences, onLost, logger } = this.#parts;
    absences.begin();
    onLost();
    logger.warn('lost the connection to the Docker Engine; trying again');
  }

  #ended(runUid: string | undefined): void {
    if (runUid === undefined) return;
    if (this.#begun.get(runUid) === this.#stream.connection) this.#heard.add(runUid);
    this.#parts.onDie(runUid);
  }

  close(): void {
    this.#stream.close();
  }
}

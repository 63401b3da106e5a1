import { createHash } from 'node:crypto';
import { type ApiObject, apiVersion, type Event } from '../api/index.ts';
import { type Clock, errorMessage, hasCode, type Logger, timestamp } from '../base/index.ts';
import type { Client } from '../client/index.ts';

export interface EventRecorderOptions {
  client: Pick<Client, 'create' | 'get' | 'patch'>;
  clock: Clock;
  logger: Logger;
  /** Who records: `task-controller`, `scheduler`, … */
  component: string;
}

export interface Occurrence {
  type: 'Normal' | 'Warning';
  /** One word in CamelCase. */
  reason: string;
  /** A sentence. The same type, reason and message about the same object are one Event with a count. */
  message: string;
}

interface Pending {
  event: Event;
  times: number;
}

/** More than this waiting means that the store does not keep up: Events are the first thing to do without. */
const maximumPending = 2000;
/** Events whose count is known; others are looked up when they happen again. */
const maximumKnown = 2000;
const parallelWrites = 32;

/**
 * Writes Events in the background. Best effort: never blocks or fails its caller; what cannot be written is
 * dropped and counted.
 */
export class EventRecorder {
  readonly #options: EventRecorderOptions;
  readonly #pending = new Map<string, Pending>();
  /** Name of an Event → its count, in order of last use. */
  readonly #known = new Map<string, number>();
  #writing: Promise<void> | undefined;
  #stopped = false;
  #dropped = 0;

  constructor(options: EventRecorderOptions) {
    this.#options = options;
  }

  record(about: ApiObject, occurrence: Occurrence): void {
    if (this.#stopped) return;
    const event = this.#eventOf(about, occurrence);
    const key = `${event.metadata.namespace}/${event.metadata.name}`;
    const present = this.#pending.get(key);
    if (present) {
      present.times += 1;
      present.event = event;
    } else if (this.#pending.size >= maximumPending) {
      this.#dropped += 1;
    } else {
      this.#pending.set(key, { event, times: 1 });
    }
    this.#writing ??= this.#drain();
  }

  /** Resolves when everything that was recorded is written or dropped. */
  async flush(): Promise<void> {
    while (this.#writing) await this.#writing;
  }

  /** Drops what is not written yet. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#pending.clear();
    await this.flush();
  }

  metrics(): { pending: number; dropped: number } {
    return { pending: this.#pending.size, dropped: this.#dropped };
  }

  /** The name is made of what is said about what, so that a repetition, also after a restart, finds the first one. */
  #eventOf(about: ApiObject, { type, reason, message }: Occurrence): Event {
    const { component, clock } = this.#options;
    const { name = '', namespace, uid } = about.metadata;
    const identity = [component, about.kind, namespace, name, uid, type, reason, message];
    const hash = createHash('sha256').update(JSON.stringify(identity)).digest('hex').slice(0, 16);
    const now = timestamp(clock.now());
    return {
      apiVersion,
      kind: 'Event',
      metadata: { name: `${name.slice(0, 200)}.${hash}`, namespace: namespace ?? 'default' },
      involvedObject: { apiVersion: about.apiVersion, kind: about.kind, namespace, name, uid },
      type,
      reason,
      message,
      count: 1,
      firstTimestamp: now,
      lastTimestamp: now,
      source: { component },
    };
  }

  async #drain(): Promise<void> {
    while (this.#pending.size > 0) {
      const batch = [...this.#pending].slice(0, parallelWrites);
      for (const [key] of batch) this.#pending.delete(key);
      await Promise.all(batch.map(([key, pending]) => this.#writeOrDrop(key, pending)));
    }
    this.#writing = undefined;
  }

  async #writeOrDrop(key: string, pending: Pending): Promise<void> {
    try {
      this.#remember(key, await this.#write(key, pending));
    } catch (error) {
      this.#dropped += 1;
      const { reason } = pending.event;
      this.#options.logger.debug('an Event was not written', { key, reason, error: errorMessage(error) });
    }
  }

  /** Answers the count that is now stored. */
  async #write(key: string, { event, times }: Pending): Promise<number> {
    const known = this.#known.get(key);
    if (known !== undefined) {
      try {
        return await this.#count(event, known + times);
      } catch (error) {
        // The reaper has removed it: it begins anew.
        if (!hasCode(error, 'NotFound')) throw error;
      }
    }
    const { client } = this.#options;
    try {
      await client.create('Event', { ...event, count: times });
      return times;
    } catch (error) {
      if (!hasCode(error, 'AlreadyExists')) throw error;
      const { namespace = '', name = '' } = event.metadata;
      const stored = await client.get('Event', namespace, name);
      return await this.#count(event, (stored.count ?? 1) + times);
    }
  }

  async #count(event: Event, count: number): Promise<number> {
    const { namespace = '', name = '' } = event.metadata;
    await this.#options.client.patch('Event', namespace, name, { count, lastTimestamp: event.lastTimestamp });
    return count;
  }

  #remember(key: string, count: number): void {
    this.#known.delete(key);
    this.#known.set(key, count);
    if (this.#known.size <= maximumKnown) return;
    const oldest = this.#known.keys().next().value;
    if (oldest !== undefined) this.#known.delete(oldest);
  }
}

import type { Event, Run } from '../api/index.ts';
import { type Clock, type Logger, type Rng, timestamp } from '../base/index.ts';
import type { Client } from '../client/index.ts';
import { withDeadline } from './deadline.ts';
import type { RunReference } from './status-manager.ts';

/** More than so many at once are left out: events are for people, and a thousand runs tell nobody anything. */
const burst = 40;
const perSecond = 5;
const writeDeadlineMs = 10_000;

export interface EventParts {
  client: Pick<Client, 'create'>;
  node: string;
  clock: Clock;
  rng: Rng;
  logger: Logger;
}

/** Tells people what happened, as well as it goes: never waits, never tries again. */
export class RunEvents {
  readonly #parts: EventParts;
  #tokens = burst;
  #filledAt: number;

  constructor(parts: EventParts) {
    this.#parts = parts;
    this.#filledAt = parts.clock.monotonic();
  }

  emit(run: RunReference, type: Event['type'], reason: string, message: string): void {
    if (!this.#takeToken()) return;
    const { client, clock, logger } = this.#parts;
    const event = this.#event(run, type, reason, message);
    withDeadline(clock, writeDeadlineMs, client.create('Event', event)).catch((error: unknown) => {
      logger.debug('an event was not recorded', { run: run.name, reason, error });
    });
  }

  #takeToken(): boolean {
    const now = this.#parts.clock.monotonic();
    this.#tokens = Math.min(burst, this.#tokens + ((now - this.#filledAt) / 1000) * perSecond);
    this.#filledAt = now;
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }

  #event(run: RunReference, type: Event['type'], reason: string, message: string): Event {
    const { clock, rng, node } = this.#parts;
    const now = timestamp(clock.now());
    const kind: Run['kind'] = 'Run';
    return {
      apiVersion: 'river.dev/v1',
      kind: 'Event',
      metadata: { name: `${run.name}.${rng.uuid().slice(0, 8)}`, namespace: run.namespace },
      involvedObject: {
        apiVersion: 'river.dev/v1',
        kind,
        namespace: run.namespace,
        name: run.name,
        uid: run.uid,
      },
      type,
      reason,
      message,
      count: 1,
      firstTimestamp: now,
      lastTimestamp: now,
      source: { component: 'runner', host: node },
    };
  }
}

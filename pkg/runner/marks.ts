import type { Clock } from '../base/index.ts';
import type { Intents, StopReason } from './intents.ts';
import type { Moment } from './moments.ts';
import { pausedUntilNow } from './pauses.ts';

export interface MarkParts {
  intents: Intents;
  clock: Clock;
  bootId: string;
}

/** Writes down when something of a Run begins: before it does, or once it has been seen. */
export class Marks {
  readonly #parts: MarkParts;

  constructor(parts: MarkParts) {
    this.#parts = parts;
  }

  /** In whole milliseconds, as everything in status. */
  now(): Moment {
    const { clock, bootId } = this.#parts;
    return { wallMs: clock.now(), monotonicMs: Math.round(clock.monotonic()), bootId };
  }

  async starting(uid: string): Promise<'again'> {
    const { intents, bootId } = this.#parts;
    await intents.update(uid, { startBootId: bootId, startingAt: this.now() });
    return 'again';
  }

  /** `ranMs`: for how long it has run already. */
  async running(uid: string, ranMs: number): Promise<'again'> {
    const { wallMs, monotonicMs, bootId } = this.now();
    const runningSince = { wallMs: wallMs - ranMs, monotonicMs: monotonicMs - ranMs, bootId };
    await this.#parts.intents.update(uid, { runningSince });
    return 'again';
  }

  async stop(uid: string, stopReason: StopReason): Promise<'done'> {
    const now = this.now();
    const requested = { stopRequestedAt: now.wallMs, stopRequestedSince: now };
    await this.#parts.intents.update(uid, { stopReason, ...requested });
    return 'done';
  }

  async paused(uid: string): Promise<'again'> {
    const now = this.now();
    await this.#parts.intents.update(uid, { pausedAt: now.wallMs, pausedSince: now });
    return 'again';
  }

  async resumed(uid: string): Promise<'again'> {
    const { intents } = this.#parts;
    const intent = intents.get(uid);
    const over = { pausedAt: undefined, pausedSince: undefined };
    if (intent) await intents.update(uid, { ...over, pausedMs: pausedUntilNow(intent, this.now()) });
    return 'again';
  }
}

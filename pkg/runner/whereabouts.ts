import type { Clock, Timer } from '../base/index.ts';

/** While somebody has CPUs for itself, or a move has failed: others than this runner move things too. */
const lookEveryMs = 10_000;
/** An engine is asked for so many at a time. */
const atOnce = 8;

export interface WhereaboutsParts {
  clock: Clock;
  /** The CPUs of each that has none for itself. */
  wanted: () => ReadonlyMap<string, string>;
  /** Nobody has pinned any. */
  isFree: () => boolean;
  /** `left alone`: nothing of it is there to be moved, or it needs no move. Never raises. */
  move: (uid: string, cpus: string, isFree: boolean) => Promise<'moved' | 'failed' | 'left alone'>;
}

/**
 * Remembers where the machine has put each Run, so that a change of the pins moves only those that it concerns: with
 * hundreds of Runs, a look at all of them takes longer than a start should wait. What is remembered is doubted every ten
 * seconds, a few at a time: whoever waits for a change comes in between.
 */
export class Whereabouts {
  readonly #parts: WhereaboutsParts;
  /** CPUs that each was moved to last, and whether that has failed. */
  readonly #known = new Map<string, { cpus: string; failed: boolean }>();
  #round: Promise<void> = Promise.resolve();
  /** A round that has not begun and so will see everything. */
  #next: Promise<void> | undefined;
  /** Until the look that it is for is over. */
  #timer: Timer | undefined;
  #closed = false;

  constructor(parts: WhereaboutsParts) {
    this.#parts = parts;
  }

  /** Moves everybody who is not known to be where it should be. Never raises. */
  settle(): Promise<void> {
    if (this.#next) return this.#next;
    const next = this.#round.then(() => {
      this.#next = undefined;
      return this.#settleNow();
    });
    this.#next = next;
    this.#round = next;
    return next;
  }

  /** Also those whose last move has failed. Never raises. */
  settleAgain(): Promise<void> {
    for (const [uid, { failed }] of this.#known) if (failed) this.#known.delete(uid);
    return this.settle();
  }

  /** Asks the machine about everybody. Never raises. */
  async look(): Promise<void> {
    const uids = [...this.#known.keys()];
    for (let from = 0; from < uids.length && !this.#closed; from += atOnce) {
      for (const uid of uids.slice(from, from + atOnce)) this.doubt(uid);
      await this.settle();
    }
    await this.settle();
  }

  /** It may be anywhere. */
  doubt(uid: string): void {
    this.#known.delete(uid);
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
  }

  async #settleNow(): Promise<void> {
    if (this.#closed) return;
    // Pins that come or go while moves are under way are for the round after this one.
    const isFree = this.#parts.isFree();
    const wanted = this.#parts.wanted();
    for (const uid of this.#known.keys()) if (!wanted.has(uid)) this.#known.delete(uid);
    const astray = [...wanted].filter(([uid, cpus]) => isFree || this.#known.get(uid)?.cpus !== cpus);
    for (let from = 0; from < astray.length; from += atOnce)
      await Promise.all(
        astray.slice(from, from + atOnce).map(([uid, cpus]) => this.#moveOne(uid, cpus, isFree)),
      );
    this.#lookLater();
  }

  async #moveOne(uid: string, cpus: string, isFree: boolean): Promise<void> {
    if (this.#closed) return;
    const result = await this.#parts.move(uid, cpus, isFree);
    if (result === 'failed') this.#known.set(uid, { cpus, failed: true });
    else if (result === 'moved' && !isFree) this.#known.set(uid, { cpus, failed: false });
    else this.#known.delete(uid);
  }

  #lookLater(): void {
    const isSettled = this.#parts.isFree() && ![...this.#known.values()].some(({ failed }) => failed);
    if (this.#closed || this.#timer || isSettled) return;
    this.#timer = this.#parts.clock.after(lookEveryMs, () => void this.#lookAgain());
  }

  async #lookAgain(): Promise<void> {
    await this.look();
    this.#timer = undefined;
    this.#lookLater();
  }
}

import type { Clock, Timer } from '../base/index.ts';

const lookEveryMs = 1_000;

export interface CleanUpParts {
  clock: Clock;
  /** Read the Runs of this node anew: what was read before the fence says nothing about it. */
  relist: () => void;
  /** Whether a list that was asked for since has come, all its Runs have ended, and the machine has nothing of any. */
  isClean: () => Promise<boolean>;
  onDone: () => void;
}

/**
 * What a fence asks of the runner: that nothing is left of Runs that the host has given up, before the node takes new
 * ones. Removes nothing itself: the host shows these Runs as ended, and what has ended is cleared up as always. Begins
 * anew after a restart.
 */
export class CleanUp {
  readonly #parts: CleanUpParts;
  #fencedAt: string | undefined;
  #doneFor: string | undefined;
  #timer: Timer | undefined;

  constructor(parts: CleanUpParts) {
    this.#parts = parts;
  }

  /** The fence that the machine is clean for. */
  get doneFor(): string | undefined {
    return this.#doneFor;
  }

  /** Called with every look at the Node: its fence, or undefined. */
  wanted(fencedAt: string | undefined): void {
    if (this.#fencedAt === fencedAt) return;
    this.#timer?.cancel();
    this.#fencedAt = fencedAt;
    if (fencedAt === undefined) return;
    this.#parts.relist();
    this.#lookLater(fencedAt);
  }

  close(): void {
    this.#timer?.cancel();
    this.#fencedAt = undefined;
  }

  #lookLater(fencedAt: string): void {
    this.#timer = this.#parts.clock.after(lookEveryMs, () => void this.#look(fencedAt));
  }

  async #look(fencedAt: string): Promise<void> {
    const isClean = await this.#parts.isClean().catch(() => false);
    if (this.#fencedAt !== fencedAt) return;
    if (!isClean) return this.#lookLater(fencedAt);
    this.#doneFor = fencedAt;
    this.#parts.onDone();
  }
}

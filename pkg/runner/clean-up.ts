import type { Clock, Timer } from '../base/index.ts';

const lookEveryMs = 1_000;

export interface CleanUpParts {
  clock: Clock;
  /** Read the Runs of this node anew: what was read before says nothing about it. */
  relist: () => void;
  /** Whether a list that was asked for since has come, and the machine has nothing left that must go. What it raises counts as no. */
  isClean: () => Promise<boolean>;
  onDone: () => void;
}

/**
 * What a fence, or the deletion of the Node, asks of the runner: that nothing is left of Runs that the host has given up,
 * before the node takes new ones. Removes nothing itself: the host shows these Runs as ended or not at all, and what has
 * ended is cleared up as always. Begins anew after a restart.
 */
export class CleanUp {
  readonly #parts: CleanUpParts;
  #since: string | undefined;
  #doneFor: string | undefined;
  #timer: Timer | undefined;

  constructor(parts: CleanUpParts) {
    this.#parts = parts;
  }

  /** The time that was wanted and that the machine is clean for. */
  get doneFor(): string | undefined {
    return this.#doneFor;
  }

  /** Called with every look at the Node: the time of its fence or deletion, or undefined. */
  wanted(since: string | undefined): void {
    if (this.#since === since) return;
    this.#timer?.cancel();
    this.#since = since;
    if (since === undefined) return;
    this.#parts.relist();
    this.#lookLater(since);
  }

  close(): void {
    this.#timer?.cancel();
    this.#since = undefined;
  }

  #lookLater(since: string): void {
    this.#timer = this.#parts.clock.after(lookEveryMs, () => void this.#look(since));
  }

  async #look(since: string): Promise<void> {
    const isClean = await this.#parts.isClean().catch(() => false);
    if (this.#since !== since) return;
    if (!isClean) return this.#lookLater(since);
    this.#doneFor = since;
    this.#parts.onDone();
  }
}

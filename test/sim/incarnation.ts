import type { Clock, Rng, Timer } from '../../pkg/base/index.ts';
import type { World } from './world.ts';

/** The clocks of one machine, which outlive the programs on it. */
export interface PlaceTime {
  /** How wrong the wall clock is. */
  skewMs: number;
  /** What the clock that counts from the boot showed when virtual time began. */
  bootMs: number;
}

/**
 * One life of a host, a runner or a user, from its start to its crash. Everything it hears from the outside comes
 * through its clock and through promises guarded by it. Once it is dead no callback fires and no promise settles:
 * its code stays where it was, for ever, as a killed process does.
 */
export class Incarnation {
  readonly name: string;
  readonly rng: Rng;
  readonly clock: Clock;
  readonly world: World;
  #alive = true;
  readonly #endings: (() => void)[] = [];

  constructor(world: World, name: string, rng: Rng, time: PlaceTime) {
    this.world = world;
    this.name = name;
    this.rng = rng;
    this.clock = {
      now: () => Math.floor(world.wallMs + time.skewMs),
      monotonic: () => time.bootMs + world.time,
      // As setTimeout: never sooner than after a millisecond.
      after: (delayMs, callback): Timer =>
        this.#alive ? world.after(this, Math.max(1, delayMs), callback) : { cancel: () => {} },
      nextTurn: (callback) => {
        if (this.#alive) world.turn(this, callback);
      },
    };
  }

  get alive(): boolean {
    return this.#alive;
  }

  /** What has to happen outside when it dies (connections break). */
  onEnd(callback: () => void): void {
    this.#endings.push(callback);
  }

  kill(): void {
    if (!this.#alive) return;
    this.#alive = false;
    for (const ending of this.#endings) ending();
  }

  /** Settles as `promise` does while this life lasts, and never after. */
  guard<T>(promise: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      promise.then(
        (value) => this.#alive && resolve(value),
        (error) => this.#alive && reject(error),
      );
    });
  }

  /** Resolves after `delayMs` of virtual time, never once dead. */
  wait(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      if (this.#alive) this.world.after(this, delayMs, resolve);
    });
  }
}

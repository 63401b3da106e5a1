import { formatBytes } from '../api/index.ts';
import type { Clock, Logger } from '../base/index.ts';

export interface StateSpace {
  /** Bytes of the volume. */
  size: number;
  /** Bytes, for this process. */
  free: number;
}

/** What is kept back for what must be recorded of work that is there already. */
const reserve = { share: 0.02, mostBytes: 256 * 1024 ** 2 };
/** So much more than that has to be free again: at the limit itself it would come and go. */
const recovered = 1.25;
const lookEveryMs = 1_000;
/** More than what a clock that is set right bit by bit drifts between two looks. */
const jumpMs = 2_000;

export interface HostVitalsParts {
  /** Of the volume of the state directory; left out: nobody looks. It may not wait for anything but the kernel. */
  space?: () => StateSpace;
  clock: Clock;
  logger: Logger;
}

/**
 * Whether the host's own machine lets it work: room for its state, and a wall clock that is not set. Looked at when
 * somebody asks, at most once a second; every heartbeat asks.
 */
export class HostVitals {
  readonly #parts: HostVitalsParts;
  #lookedAt: number | undefined;
  #aheadMs: number | undefined;
  #space: StateSpace | undefined;
  #noRoom: string | undefined;
  #jumps = 0;

  constructor(parts: HostVitalsParts) {
    this.#parts = parts;
  }

  /** How often the wall clock was set since the start of this process. */
  get clockJumps(): number {
    this.look();
    return this.#jumps;
  }

  /** Undefined where nobody looks. */
  get space(): StateSpace | undefined {
    this.look();
    return this.#space;
  }

  /** Why nothing new is taken, as a sentence; undefined: it is. */
  get noRoom(): string | undefined {
    this.look();
    return this.#noRoom;
  }

  look(): void {
    const now = this.#parts.clock.monotonic();
    if (this.#lookedAt !== undefined && now - this.#lookedAt < lookEveryMs) return;
    this.#lookAtClock(now);
    this.#lookedAt = now;
    this.#lookAtRoom();
  }

  #lookAtClock(monotonicMs: number): void {
    const { clock, logger } = this.#parts;
    const aheadMs = clock.now() - monotonicMs;
    const byMs = Math.round(aheadMs - (this.#aheadMs ?? aheadMs));
    const sinceMs = monotonicMs - (this.#lookedAt ?? monotonicMs);
    this.#aheadMs = aheadMs;
    // The kernel lets nobody drift faster than by a two-thousandth.
    if (Math.abs(byMs) <= jumpMs + sinceMs / 2000) return;
    this.#jumps += 1;
    logger.warn('the wall clock of this machine was set, or it slept', { byMs });
  }

  #lookAtRoom(): void {
    const { space, logger } = this.#parts;
    if (!space) return;
    this.#space = space();
    const { size, free } = this.#space;
    const least = Math.min(size * reserve.share, reserve.mostBytes);
    const had = this.#noRoom === undefined;
    const lacks = free < least * (had ? 1 : recovered);
    this.#noRoom = lacks ? noRoomFor(least) : undefined;
    if (had && lacks) logger.warn('the host takes nothing new: its state has no room', { size, free });
    else if (!had && !lacks) logger.info('the host takes new work again', { size, free });
  }
}

function noRoomFor(least: number): string {
  return `The host takes nothing new, because less than ${formatBytes(Math.round(least))} is free on the volume of its state directory: free some room there, and it goes on by itself. What is there can be changed, stopped and deleted meanwhile.`;
}

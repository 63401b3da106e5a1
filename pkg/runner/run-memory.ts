import type { RunStatus, Runtime } from '../api/index.ts';
import type { Activity, Failure } from './situation.ts';

/** What a runner remembers of one Run while it looks after it. Losing all of it must never start a program twice. */
export interface RunMemory {
  activity?: Activity;
  /** Gives up the preparation under way. */
  abort?: AbortController;
  prepared: boolean;
  /** What the environment was found or loaded as. */
  image?: string;
  /** How far its load is, is told. */
  loading?: boolean;
  adopted: boolean;
  started: boolean;
  stopped: boolean;
  quarantined: boolean;
  confirmedGone: boolean;
  /** A pause (true) or its end (false) was carried out last; what the machine shows then must be so. */
  paused?: boolean;
  failure?: Failure;
  /** Why it could not be moved off the CPUs of others when that was tried last. */
  astray?: string;
  /** An end that no intent remembers: from its first report on it is the last word, whatever the host wants then. */
  told?: RunStatus;
  /** Monotonic; since the first of the pulls that failed in a row. */
  pullFailsSince?: number;
  /** Where the machine has shown it, when no intent says so. */
  runtime?: Runtime;
  tornDownAt?: number;
}

export class RunMemories {
  readonly #memories = new Map<string, RunMemory>();

  of(uid: string): RunMemory {
    const found = this.#memories.get(uid);
    if (found) return found;
    const memory = {
      prepared: false,
      adopted: false,
      started: false,
      stopped: false,
      quarantined: false,
      confirmedGone: false,
    };
    this.#memories.set(uid, memory);
    return memory;
  }

  /** Nothing is to be done for it: unless something is still under way, it needs no memory. */
  release(uid: string): void {
    const memory = this.#memories.get(uid);
    if (memory && !memory.activity && !memory.quarantined) this.#memories.delete(uid);
  }

  isQuarantined(uid: string): boolean {
    return this.#memories.get(uid)?.quarantined === true;
  }

  quarantined(): string[] {
    return [...this.#memories].filter(([, memory]) => memory.quarantined).map(([uid]) => uid);
  }

  /** Another epoch of the host: what the one before said about absent Runs is void. */
  forgetHost(): void {
    for (const memory of this.#memories.values()) {
      memory.confirmedGone = false;
      memory.quarantined = false;
    }
  }
}

import { isTerminal, type Run } from '../api/index.ts';
import { type Clock, errorMessage, type Logger, type Timer } from '../base/index.ts';
import type { Topology } from '../topology/index.ts';
import { withDeadline } from './deadline.ts';
import type { Intents } from './intents.ts';
import type { RunCache } from './run-cache.ts';
import type { Runtimes } from './runtimes.ts';
import { type PlacedRun, sharedCpus } from './shared-cpus.ts';

/** While somebody has CPUs for itself, or a move has failed. */
const lookEveryMs = 10_000;
/** A pinned Run waits no longer for the others to leave its CPUs. */
const roomWithinMs = 10_000;

export interface ConfinementParts {
  cache: Pick<RunCache, 'get' | 'uids' | 'synced'>;
  intents: Pick<Intents, 'get' | 'update'>;
  runtimes: Pick<Runtimes, 'executor'>;
  /** Undefined until it was read. */
  topology: () => Topology | undefined;
  /** It is on these CPUs now, or could not be moved there: then a sentence why. */
  onConfined: (uid: string, cpus: string, problem?: string) => void;
  clock: Clock;
  logger: Logger;
}

/**
 * Keeps what has no CPUs for itself off those that others pinned, and gives them back when the pins go: compares what
 * is wanted with what the machine shows, again and again. Whom it moved is on record, so that a runner that comes
 * later gives back too. Asks the machine for nothing while nobody has pinned any.
 */
export class Confinement {
  readonly #parts: ConfinementParts;
  readonly #pins = new Map<string, string>();
  #round: Promise<void> = Promise.resolve();
  /** Starts of those that have no CPUs for themselves: a pinned Run begins after them. */
  readonly #underWay = new Map<string, Promise<unknown>>();
  /** A round that has not begun and so will see everything. */
  #next: Promise<void> | undefined;
  #timer: Timer | undefined;
  #closed = false;

  constructor(parts: ConfinementParts) {
    this.#parts = parts;
  }

  /** The cache shows another state of this Run. */
  changed(uid: string): void {
    const pin = pinOf(this.#parts.cache.get(uid));
    if (pin === this.#pins.get(uid)) return;
    if (pin === undefined) this.#pins.delete(uid);
    else this.#pins.set(uid, pin);
    void this.look();
  }

  /** Starts it once others have left its CPUs, or on those that nobody has pinned: `start` is told which. */
  async starting<T>(uid: string, start: (sharedCpus?: string) => Promise<T>): Promise<T> {
    if (this.#pins.has(uid)) {
      await this.#makeRoom(uid);
      return start();
    }
    return this.#startShared(uid, start);
  }

  /** What is just being started may have been told of CPUs that are pinned by now: it is there to be moved afterwards. */
  async #makeRoom(uid: string): Promise<void> {
    const { clock, logger } = this.#parts;
    const room = Promise.allSettled(this.#underWay.values()).then(() => this.look());
    await withDeadline(clock, roomWithinMs, room).catch(() =>
      logger.warn('a pinned run starts before others have left its CPUs', { uid }),
    );
  }

  async #startShared<T>(uid: string, start: (sharedCpus?: string) => Promise<T>): Promise<T> {
    const cpus = this.#pins.size > 0 ? this.#wanted().get(uid) : undefined;
    const started = this.#startOn(uid, cpus || undefined, start);
    this.#underWay.set(uid, started);
    try {
      return await started;
    } finally {
      this.#underWay.delete(uid);
      // Others may have come or gone meanwhile, and an earlier start of it known of others.
      if (this.#pins.size > 0 || cpus) await this.look();
    }
  }

  async #startOn<T>(
    uid: string,
    cpus: string | undefined,
    start: (sharedCpus?: string) => Promise<T>,
  ): Promise<T> {
    // Before it is so, as when it is moved.
    if (cpus !== undefined) await this.#parts.intents.update(uid, { confined: true });
    return start(cpus);
  }

  /** Never raises. */
  look(): Promise<void> {
    if (this.#next) return this.#next;
    const next = this.#round.then(() => {
      this.#next = undefined;
      return this.#lookNow();
    });
    this.#next = next;
    this.#round = next;
    return next;
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
  }

  async #lookNow(): Promise<void> {
    if (this.#closed) return;
    this.#timer?.cancel();
    const isSettled = await this.#confineAll();
    if (this.#closed || (isSettled && this.#pins.size === 0)) return;
    this.#timer = this.#parts.clock.after(lookEveryMs, () => void this.look());
  }

  /** false: something is left to be done. */
  async #confineAll(): Promise<boolean> {
    if (!this.#parts.cache.synced) return true;
    let isSettled = true;
    // Pins that come or go while moves are under way are for the round after this one.
    const isFree = this.#pins.size === 0;
    for (const [uid, cpus] of this.#wanted())
      if (!(await this.#confine(uid, cpus, isFree))) isSettled = false;
    return isSettled;
  }

  /** CPUs of each that has none for itself; '' while those of the machine are not known. */
  #wanted(): Map<string, string> {
    const { cache, topology } = this.#parts;
    const runs = [...cache.uids()].flatMap((uid) => placedRun(uid, cache.get(uid)));
    const node = topology()?.cpus;
    return node ? sharedCpus(runs, node) : new Map(runs.map(({ uid }) => [uid, '']));
  }

  /** `isFree`: nobody has pinned any, so that it gets everything back. */
  async #confine(uid: string, cpus: string, isFree: boolean): Promise<boolean> {
    const { intents, runtimes, logger } = this.#parts;
    // What is just being started is looked at afterwards.
    if (this.#closed || this.#underWay.has(uid)) return true;
    try {
      const intent = intents.get(uid);
      if (!intent?.startBootId || intent.outcome) return true;
      if (isFree && !intent.confined) return true;
      const executor = runtimes.executor(intent.runtime);
      if (!executor || cpus === '') return false;
      if (!intent.confined) await intents.update(uid, { confined: true });
      await executor.confine(uid, cpus);
      if (isFree) await intents.update(uid, { confined: undefined });
      this.#parts.onConfined(uid, cpus);
      return true;
    } catch (error) {
      const message = errorMessage(error);
      logger.warn('a run cannot be moved to other CPUs', { uid, cpus, error: message });
      this.#parts.onConfined(uid, cpus, `It could not be moved to CPUs ${cpus}: ${message}`);
      return false;
    }
  }
}

function isBound(run: Run | undefined): run is Run {
  return run !== undefined && !isTerminal(run.status?.phase ?? 'Pending');
}

function pinOf(run: Run | undefined): string | undefined {
  const { pinned, cpus } = (isBound(run) && run.spec.placement) || {};
  return pinned ? cpus : undefined;
}

function placedRun(uid: string, run: Run | undefined): PlacedRun[] {
  if (!isBound(run)) return [];
  const { cpus, pinned } = run.spec.placement ?? {};
  return [{ uid, ...(cpus === undefined ? {} : { cpus }), ...(pinned ? { pinned } : {}) }];
}

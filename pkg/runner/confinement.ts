import { isTerminal, type Run } from '../api/index.ts';
import { type Clock, errorMessage, type Logger } from '../base/index.ts';
import type { Topology } from '../topology/index.ts';
import { withDeadline } from './deadline.ts';
import type { Intents } from './intents.ts';
import type { RunCache } from './run-cache.ts';
import type { Runtimes } from './runtimes.ts';
import { type PlacedRun, sharedCpus } from './shared-cpus.ts';
import { Whereabouts } from './whereabouts.ts';

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
 * Keeps what has no CPUs for itself off those that others pinned, and gives them back when the pins go. Whom it moved
 * is on record, so that a runner that comes later gives back too. Asks the machine for nothing while nobody has pinned
 * any, and otherwise at once only about those who are not known to be where they should be.
 */
export class Confinement {
  readonly #parts: ConfinementParts;
  readonly #pins = new Map<string, string>();
  readonly #whereabouts: Whereabouts;
  /** Starts of those that have no CPUs for themselves: a pinned Run begins after them. */
  readonly #underWay = new Map<string, Promise<unknown>>();

  constructor(parts: ConfinementParts) {
    this.#parts = parts;
    this.#whereabouts = new Whereabouts({
      clock: parts.clock,
      wanted: () => (parts.cache.synced ? this.#wanted() : new Map()),
      isFree: () => this.#pins.size === 0,
      move: (uid, cpus, isFree) => this.#confine(uid, cpus, isFree),
    });
  }

  /** The cache shows another state of this Run. */
  changed(uid: string): void {
    const pin = pinOf(this.#parts.cache.get(uid));
    if (pin === this.#pins.get(uid)) return;
    if (pin === undefined) this.#pins.delete(uid);
    else this.#pins.set(uid, pin);
    void this.#whereabouts.settle();
  }

  /** Starts it once others have left its CPUs, or on those that nobody has pinned: `start` is told which. */
  async starting<T>(uid: string, start: (sharedCpus?: string) => Promise<T>): Promise<T> {
    if (!this.#pins.has(uid)) return this.#startShared(uid, start);
    await this.#makeRoom(uid);
    return start();
  }

  /** What is just being started may have been told of CPUs that are pinned by now: it is there to be moved afterwards. */
  async #makeRoom(uid: string): Promise<void> {
    const { clock, logger } = this.#parts;
    const room = Promise.allSettled(this.#underWay.values()).then(() => this.#whereabouts.settleAgain());
    await withDeadline(clock, roomWithinMs, room).catch(() =>
      logger.warn('a pinned run starts before others have left its CPUs', { uid }),
    );
  }

  async #startShared<T>(uid: string, start: (sharedCpus?: string) => Promise<T>): Promise<T> {
    const cpus = (this.#pins.size > 0 && this.#wanted().get(uid)) || undefined;
    const started = this.#startOn(uid, cpus, start);
    this.#underWay.set(uid, started);
    try {
      return await started;
    } finally {
      this.#underWay.delete(uid);
      // Not every machine begins where it was told; and an earlier start of it may have been told of other CPUs.
      this.#whereabouts.doubt(uid);
      // Others may have come or gone meanwhile.
      if (this.#pins.size > 0 || cpus) await this.#whereabouts.settle();
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

  /** Asks the machine anew about everybody: somebody else may have moved it. Never raises. */
  look(): Promise<void> {
    return this.#whereabouts.look();
  }

  close(): void {
    this.#whereabouts.close();
  }

  /** CPUs of each that has none for itself; '' while those of the machine are not known. */
  #wanted(): Map<string, string> {
    const { cache, topology } = this.#parts;
    const runs = [...cache.uids()].flatMap((uid) => placedRun(uid, cache.get(uid)));
    const node = topology()?.cpus;
    return node ? sharedCpus(runs, node) : new Map(runs.map(({ uid }) => [uid, '']));
  }

  /** `isFree`: nobody has pinned any, so that it gets everything back. */
  async #confine(uid: string, cpus: string, isFree: boolean): Promise<'moved' | 'failed' | 'left alone'> {
    const { intents, runtimes, logger } = this.#parts;
    // What is just being started is looked at afterwards.
    if (this.#underWay.has(uid)) return 'left alone';
    try {
      const intent = intents.get(uid);
      if (!intent?.startBootId || intent.outcome) return 'left alone';
      if (isFree && !intent.confined) return 'left alone';
      const executor = runtimes.executor(intent.runtime);
      if (!executor || cpus === '') return 'failed';
      if (!intent.confined) await intents.update(uid, { confined: true });
      await executor.confine(uid, cpus);
      if (isFree) await intents.update(uid, { confined: undefined });
      this.#parts.onConfined(uid, cpus);
      return 'moved';
    } catch (error) {
      const message = errorMessage(error);
      logger.warn('a run cannot be moved to other CPUs', { uid, cpus, error: message });
      this.#parts.onConfined(uid, cpus, `It could not be moved to CPUs ${cpus}: ${message}`);
      return 'failed';
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

import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { type Clock, errorMessage, type Logger } from '../../base/index.ts';

/** Wall times, as the engine's own are: `until` is missing while it lasts. */
interface Absence {
  from: number;
  until?: number;
  /** Nobody looked: some time in between the engine has ended, or may have. */
  unseen?: boolean;
}

interface Recorded {
  absences: Absence[];
  /** What names the engines that lived when the engine was last connected to, and since when it was. */
  life?: { name: string | undefined; since: number };
}

/** What the absences mean for a program: it ended in one, one was while it ran, or nobody knows. */
export type Missed = 'end' | 'middle' | 'unseen';

/**
 * An absence is noticed a little after it has begun, and an engine that is killed has not written all that it has read: one
 * that is busy is seconds behind.
 */
const slackMs = 10_000;
const keptAtMost = 50;

/**
 * When the engine was away, as far as runners of this machine have seen, and when it may have been, because no runner
 * looked. On disk, so that a runner that is started later can still say what is missing.
 */
export class Absences {
  readonly #file: string;
  readonly #clock: Clock;
  readonly #logger: Logger;
  #recorded: Recorded | undefined;
  #wasConnected = false;

  constructor(file: string, { clock, logger }: { clock: Clock; logger: Logger }) {
    this.#file = file;
    this.#clock = clock;
    this.#logger = logger;
  }

  get #known(): Recorded {
    this.#recorded ??= this.#read();
    return this.#recorded;
  }

  /** The engine does not answer, or no more. */
  begin(): void {
    const { absences, life } = this.#known;
    if (absences.some(isOpen)) return;
    const begun = this.#wasConnected ? { from: this.#clock.now() } : { from: life?.since ?? 0, unseen: true };
    this.#keep({ absences: [...absences, begun], life });
  }

  /** It has been connected to. `name`: of the engines that live now, read afterwards; undefined: they cannot be seen. */
  end(name: string | undefined): void {
    const { absences, life } = this.#known;
    const now = this.#clock.now();
    this.#wasConnected = true;
    if (name !== undefined && name === life?.name) {
      // Only the connection was lost: whatever the engine ran meanwhile, it was there.
      if (absences.some(isOpen)) this.#keep({ absences: absences.filter((each) => !isOpen(each)), life });
      return;
    }
    const all = absences.some(isOpen)
      ? absences.map((each) => ({ until: now, ...each }))
      : [...absences, { from: life?.since ?? 0, until: now, unseen: true }];
    this.#keep({ absences: all, life: { name, since: now } });
  }

  /** Of a program that ran from then to then, milliseconds since the epoch; undefined: the engine was there all the time. */
  during(startedAt: number, finishedAt: number): Missed | undefined {
    const touched = this.#known.absences.filter(
      ({ from, until = Number.POSITIVE_INFINITY }) => finishedAt >= from - slackMs && startedAt <= until,
    );
    if (touched.length === 0) return undefined;
    const seen = touched.filter(({ unseen }) => !unseen);
    if (seen.some(({ until = Number.POSITIVE_INFINITY }) => finishedAt <= until)) return 'end';
    return seen.length > 0 ? 'middle' : 'unseen';
  }

  /** At once, before anything else happens: the runner may be killed next. */
  #keep({ absences, life }: Recorded): void {
    this.#recorded = { absences: shortened(absences), ...(life ? { life } : {}) };
    try {
      mkdirSync(dirname(this.#file), { recursive: true, mode: 0o700 });
      writeFileSync(`${this.#file}.new`, JSON.stringify(this.#recorded));
      renameSync(`${this.#file}.new`, this.#file);
    } catch (error) {
      this.#logger.warn('that the engine was away cannot be kept', { error: errorMessage(error) });
    }
  }

  #read(): Recorded {
    try {
      const { absences, life } = JSON.parse(readFileSync(this.#file, 'utf8')) as Partial<Recorded>;
      if (!Array.isArray(absences) || !absences.every(isAbsence)) return { absences: [] };
      return { absences, ...(typeof life?.since === 'number' ? { life } : {}) };
    } catch {
      return { absences: [] };
    }
  }
}

function isOpen({ until }: Absence): boolean {
  return until === undefined;
}

/** The oldest become one that spans them. */
function shortened(absences: Absence[]): Absence[] {
  const [first, second, ...rest] = absences;
  if (absences.length <= keptAtMost || !first || !second) return absences;
  return [{ from: Math.min(first.from, second.from), until: second.until, unseen: true }, ...rest];
}

function isAbsence(value: unknown): value is Absence {
  if (typeof value !== 'object' || value === null) return false;
  const { from, until } = value as Partial<Absence>;
  return typeof from === 'number' && (until === undefined || typeof until === 'number');
}

import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { type Clock, errorMessage, type Logger } from '../../base/index.ts';

interface Absence {
  /** Wall time; `until` is missing while it lasts. */
  from: number;
  until?: number;
}

/** An absence is noticed a little after it has begun, and an engine that is killed has not written all that it has read. */
const slackMs = 2_000;
const keptAtMost = 50;

/**
 * When the engine was away, as far as runners of this machine have seen. On disk, so that a runner that is started later
 * can still say what is missing.
 */
export class Absences {
  readonly #file: string;
  readonly #clock: Clock;
  readonly #logger: Logger;
  #absences: Absence[] | undefined;

  constructor(file: string, { clock, logger }: { clock: Clock; logger: Logger }) {
    this.#file = file;
    this.#clock = clock;
    this.#logger = logger;
  }

  get #all(): Absence[] {
    this.#absences ??= this.#read();
    return this.#absences;
  }

  begin(): void {
    const last = this.#all.at(-1);
    if (last && last.until === undefined) return;
    this.#keep([...this.#all, { from: this.#clock.now() }].slice(-keptAtMost));
  }

  end(): void {
    const last = this.#all.at(-1);
    if (!last || last.until !== undefined) return;
    this.#keep([...this.#all.slice(0, -1), { ...last, until: this.#clock.now() }]);
  }

  /** Whether the engine was away at that time, milliseconds since the epoch. */
  covers(at: number): boolean {
    return this.#all.some(
      ({ from, until = Number.POSITIVE_INFINITY }) => at >= from - slackMs && at <= until,
    );
  }

  /** At once, before anything else happens: the runner may be killed next. */
  #keep(absences: Absence[]): void {
    this.#absences = absences;
    try {
      mkdirSync(dirname(this.#file), { recursive: true, mode: 0o700 });
      writeFileSync(`${this.#file}.new`, JSON.stringify(absences));
      renameSync(`${this.#file}.new`, this.#file);
    } catch (error) {
      this.#logger.warn('that the engine was away cannot be kept', { error: errorMessage(error) });
    }
  }

  #read(): Absence[] {
    try {
      const found: unknown = JSON.parse(readFileSync(this.#file, 'utf8'));
      return Array.isArray(found) ? found.filter(isAbsence) : [];
    } catch {
      return [];
    }
  }
}

function isAbsence(value: unknown): value is Absence {
  if (typeof value !== 'object' || value === null) return false;
  const { from, until } = value as Partial<Absence>;
  return typeof from === 'number' && (until === undefined || typeof until === 'number');
}

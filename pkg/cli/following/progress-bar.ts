import { type EnvironmentStatus, formatBytes, type RunStatus } from '../../api/index.ts';
import type { Clock } from '../../base/index.ts';
import type { CliIo, Output } from '../io.ts';
import { printable } from '../printers/table.ts';

/** Between two drawings: more often nobody sees. */
const drawMs = 100;
const barWidth = 24;
/** Longer ones would break on a terminal of the usual width, and not be erased. */
const widthLimit = 79;
const erase = '\r\x1b[K';

/** One line on a terminal that says how far something is, and is gone when it has ended. Elsewhere nothing. */
export class ProgressBar {
  readonly #output: Output;
  readonly #clock: Clock;
  readonly #isShown: boolean;
  #drawnAt = Number.NEGATIVE_INFINITY;
  #isDrawn = false;
  #rate = new Rate();

  constructor({ stderr, clock, env }: Pick<CliIo, 'stderr' | 'clock' | 'env'>) {
    this.#output = stderr;
    this.#clock = clock;
    this.#isShown = stderr.isTerminal && env.TERM !== 'dumb';
  }

  /** `what`: as in "sending base.tar". */
  bytes(what: string, done: number, total: number): void {
    const perSecond = this.#rate.of(what, done, this.#clock.monotonic());
    this.text(`${what} ${barOf(total === 0 ? 1 : done / total)} ${amounts(done, total, perSecond)}`);
  }

  /** What is there to see while an object becomes what somebody waits for: a build, or the load of an environment. */
  object(shown: string, object: object): void {
    const { phase, progress } = (object as { status?: RunStatus | EnvironmentStatus }).status ?? {};
    if (typeof progress === 'string') this.text(`${shown} ${phase}: ${progress}`);
    else if (progress) this.bytes(shown, progress.bytes, progress.totalBytes);
  }

  text(text: string): void {
    const now = this.#clock.monotonic();
    if (!this.#isShown || now - this.#drawnAt < drawMs) return;
    this.#drawnAt = now;
    this.#isDrawn = true;
    // Not waited for: it must not hold up what it tells of.
    void this.#output.write(erase + printable(text).slice(0, widthLimit));
  }

  /** Before anything else is written, and at the end. */
  async clear(): Promise<void> {
    if (!this.#isDrawn) return;
    this.#isDrawn = false;
    this.#drawnAt = Number.NEGATIVE_INFINITY;
    await this.#output.write(erase);
  }
}

function barOf(share: number): string {
  const filled = Math.round(Math.min(1, share) * barWidth);
  return `[${'#'.repeat(filled)}${'.'.repeat(barWidth - filled)}]`;
}

function amounts(done: number, total: number, perSecond: number): string {
  const of = `${formatBytes(done)}/${formatBytes(total)}`;
  return perSecond === 0 ? of : `${of} ${formatBytes(Math.round(perSecond))}/s`;
}

/** Bytes a second since the work began. */
class Rate {
  #what = '';
  #from = { bytes: 0, atMs: 0 };

  of(what: string, bytes: number, atMs: number): number {
    if (what !== this.#what) {
      this.#what = what;
      this.#from = { bytes, atMs };
    }
    const seconds = (atMs - this.#from.atMs) / 1000;
    return seconds < 1 ? 0 : (bytes - this.#from.bytes) / seconds;
  }
}

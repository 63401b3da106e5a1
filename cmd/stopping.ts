import { type Clock, errorMessage, type Logger, RiverError } from '../pkg/base/index.ts';

/** Of a process that ends. */
export interface StopPart {
  /** In the log. */
  name: string;
  stop: () => unknown;
  /** Until it is left behind, milliseconds. */
  withinMs?: number;
  /** What it still waits for, for people. */
  waitsFor?: () => readonly string[];
}

export interface StoppingSeams {
  clock: Clock;
  logger: Logger;
  /** Asked once something is late: why that may be. */
  trouble: () => Promise<string | undefined>;
}

const usualMs = 5_000;

/**
 * Ends one part after the other. One that fails or is late is said in the log and left behind: what comes after it ends
 * too, and a process that is killed in place of ending loses nothing either. Answers whether all have ended.
 */
export async function stopInOrder(
  parts: readonly StopPart[],
  { clock, logger, trouble }: StoppingSeams,
): Promise<boolean> {
  let haveAllEnded = true;
  for (const part of parts) {
    try {
      await endedWithin(clock, part);
    } catch (error) {
      haveAllEnded = false;
      const waitsFor = part.waitsFor?.() ?? [];
      logger.warn('a part of this process did not end in order and is left behind', {
        part: part.name,
        reason: errorMessage(error),
        ...(waitsFor.length > 0 ? { waitsFor } : {}),
        trouble: await trouble(),
      });
    }
  }
  return haveAllEnded;
}

const lastWordsMs = 500;

/**
 * Ends the process when its last words are written, with the exit code that it has by then: what was left behind would
 * keep it alive, as a connection does on which nothing comes.
 */
export function leaveSoon({ clock }: Pick<StoppingSeams, 'clock'>): void {
  clock.after(lastWordsMs, () => process.exit(), { unref: true });
}

function endedWithin(clock: Clock, { stop, withinMs = usualMs }: StopPart): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const late = new RiverError('Timeout', `it has not ended within ${withinMs / 1000} s`);
    const timer = clock.after(withinMs, () => reject(late));
    // What it throws at once is one failure like any other.
    Promise.resolve()
      .then(stop)
      .then(resolve, reject)
      .finally(() => timer.cancel());
  });
}

import type { Clock } from '../../base/index.ts';

/** What is asked of the engine and answered in whole. A busy one needs seconds for a start on a slow disk. */
export const answerWithinMs = 30_000;
/** Between two signs of life of a pull: a layer may take long to unpack, and nothing is said meanwhile. */
export const pullSilenceMs = 300_000;
/** The probe's: what it says may come early, because nothing is given up for it. */
export const probeWithinMs = 10_000;

/** A hung engine still takes connections and requests: nothing but time tells it from a busy one. */
export class EngineHangs extends Error {
  readonly code = 'ETIMEDOUT';

  constructor(milliseconds: number) {
    super(`it takes requests and has not answered within ${milliseconds / 1000} s`);
  }
}

/**
 * Settles as the call does, or raises `EngineHangs` and takes back what heeds the signal. The engine may still carry
 * it out when it wakes up: every request has to be one that may be repeated.
 */
export function answeredWithin<T>(
  clock: Clock,
  milliseconds: number,
  call: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const patience = new AbortController();
    const giveUp = () => {
      reject(new EngineHangs(milliseconds));
      patience.abort();
    };
    const timer = clock.after(milliseconds, giveUp, { unref: true });
    call(patience.signal)
      .then(resolve, reject)
      .finally(() => timer.cancel());
  });
}

import { type Clock, RiverError } from '../base/index.ts';

/**
 * Settles as `promise` does, or raises `Timeout` after `milliseconds`: an answer that never comes must not hold up
 * a loop for ever. What was asked for may still happen.
 */
export function withDeadline<T>(clock: Clock, milliseconds: number, promise: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = clock.after(
      milliseconds,
      () => reject(new RiverError('Timeout', `no answer from the host within ${milliseconds / 1000} s`)),
      { unref: true },
    );
    promise.then(resolve, reject).finally(() => timer.cancel());
  });
}

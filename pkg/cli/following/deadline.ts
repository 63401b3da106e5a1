import { parseDuration } from '../../api/index.ts';
import { type Clock, errorMessage } from '../../base/index.ts';
import { UsageError } from '../errors.ts';

export interface Deadline {
  /** Aborts when the caller's signal does or the time is up. */
  signal: AbortSignal;
  /** Whether it was the time. */
  passed(): boolean;
  cancel(): void;
}

/** `timeoutMs` 0: no limit but the caller's own signal. */
export function deadline(clock: Clock, timeoutMs: number, signal: AbortSignal): Deadline {
  const controller = new AbortController();
  let passed = false;
  const onAbort = () => controller.abort(signal.reason);
  if (signal.aborted) onAbort();
  signal.addEventListener('abort', onAbort, { once: true });
  const timer =
    timeoutMs > 0
      ? clock.after(timeoutMs, () => {
          passed = true;
          controller.abort(new Error('timeout'));
        })
      : undefined;
  return {
    signal: controller.signal,
    passed: () => passed,
    cancel() {
      timer?.cancel();
      signal.removeEventListener('abort', onAbort);
    },
  };
}

/** Of the flag --timeout. Raises UsageError for what is no time span. */
export function timeoutMs(text: string): number {
  return text === '0' ? 0 : spanOf('--timeout', text);
}

/** Milliseconds that a flag says. Raises UsageError, which names it. */
export function spanOf(flag: string, text: string): number {
  try {
    return parseDuration(text);
  } catch (error) {
    throw new UsageError(`river: ${flag} ${errorMessage(error)}`);
  }
}

import type { Kind } from '../../pkg/api/index.ts';
import { realClock, sleep } from '../../pkg/base/index.ts';
import type { Store, StoreEvent } from '../../pkg/store/index.ts';

export interface WatchRecorder {
  events: StoreEvent[];
  errors: Error[];
  /** Everything up to here was delivered. */
  position(): number;
  close(): void;
}

export function recordWatch(
  store: Store,
  kind: Kind,
  fromVersion: number,
  onEvent: (event: StoreEvent) => void = () => {},
): WatchRecorder {
  const events: StoreEvent[] = [];
  const errors: Error[] = [];
  let position = fromVersion;
  const watch = store.watch(kind, fromVersion, {
    event(event) {
      events.push(event);
      position = event.record.version;
      onEvent(event);
    },
    progress(version) {
      position = Math.max(position, version);
    },
    closed: (error) => errors.push(error),
  });
  return { events, errors, position: () => position, close: () => watch.close() };
}

/** Waits for the condition; raises when it has not come true in ten seconds. */
export async function until(condition: () => boolean): Promise<void> {
  const deadline = realClock.monotonic() + 10_000;
  while (!condition()) {
    if (realClock.monotonic() > deadline) throw new Error(`not reached in time: ${condition}`);
    await sleep(realClock, 1);
  }
}

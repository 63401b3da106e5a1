import type { Kind } from '../api/index.ts';
import { type Clock, errorMessage, type Logger, RiverError } from '../base/index.ts';
import type { Pins } from './pins.ts';
import type { Queries } from './queries.ts';
import type { StoreEvent, StoreWatchHandler } from './types.ts';

/** Log entries looked at in one turn of a replay. */
const replaySize = 500;

interface Watcher {
  kind: Kind;
  handler: StoreWatchHandler;
  /** Everything up to here was delivered. */
  position: number;
  open: boolean;
}

export interface WatchHubOptions {
  clock: Clock;
  logger: Logger;
  queries: Queries;
  pins: Pins;
  version(): number;
}

/**
 * A watcher that is behind reads the log, page by page, until it has the newest version in the same turn in
 * which it is made live: nothing is buffered and nothing can fall between.
 */
export class WatchHub {
  readonly #options: WatchHubOptions;
  readonly #live = new Map<Kind, Set<Watcher>>();
  readonly #all = new Set<Watcher>();

  constructor(options: WatchHubOptions) {
    this.#options = options;
  }

  watch(kind: Kind, position: number, handler: StoreWatchHandler): { close(): void } {
    const watcher: Watcher = { kind, handler, position, open: true };
    this.#all.add(watcher);
    const unpin = this.#options.pins.add(() => watcher.position);
    this.#options.clock.nextTurn(() => this.#replay(watcher, unpin));
    return {
      close: () => {
        unpin();
        this.#forget(watcher);
      },
    };
  }

  /** To be called after the commit, with the store's version already the new one. */
  publish(events: StoreEvent[]): void {
    for (const event of events) {
      // A copy: handlers may open and close watches.
      for (const watcher of [...(this.#live.get(event.record.kind) ?? [])]) this.#deliver(watcher, event);
    }
    const newest = events.at(-1)?.record.version ?? 0;
    for (const watcher of [...this.#all]) {
      if (this.#isLive(watcher) && watcher.position < newest) this.#progress(watcher, newest);
    }
  }

  /** Ends every watch; handlers are told when there is an error to tell. */
  closeAll(error?: RiverError): void {
    const watchers = [...this.#all];
    for (const watcher of watchers) this.#forget(watcher);
    if (!error) return;
    for (const watcher of watchers) this.#guard(watcher, () => watcher.handler.closed(error));
  }

  #replay(watcher: Watcher, unpin: () => void): void {
    if (!watcher.open) return;
    const page = this.#options.queries.events(watcher.kind, watcher.position, replaySize);
    for (const event of page.events) this.#deliver(watcher, event);
    if (!watcher.open) {
      unpin();
      return;
    }
    watcher.position = Math.max(watcher.position, page.position);
    if (!page.end) {
      this.#options.clock.nextTurn(() => this.#replay(watcher, unpin));
      return;
    }
    unpin();
    this.#liveOf(watcher.kind).add(watcher);
    this.#progress(watcher, this.#options.version());
  }

  #deliver(watcher: Watcher, event: StoreEvent): void {
    const { version } = event.record;
    // Seen already by a replay that read the log between a failed commit and its recovery.
    if (!watcher.open || version <= watcher.position) return;
    watcher.position = version;
    this.#guard(watcher, () => watcher.handler.event(event));
  }

  #progress(watcher: Watcher, version: number): void {
    watcher.position = Math.max(watcher.position, version);
    this.#guard(watcher, () => watcher.handler.progress?.(version));
  }

  #isLive(watcher: Watcher): boolean {
    return watcher.open && (this.#live.get(watcher.kind)?.has(watcher) ?? false);
  }

  #liveOf(kind: Kind): Set<Watcher> {
    const known = this.#live.get(kind);
    if (known) return known;
    const made = new Set<Watcher>();
    this.#live.set(kind, made);
    return made;
  }

  #forget(watcher: Watcher): void {
    watcher.open = false;
    this.#all.delete(watcher);
    this.#live.get(watcher.kind)?.delete(watcher);
  }

  /** A handler that throws has missed an event: it must not go on as if it had not. */
  #guard(watcher: Watcher, call: () => void): void {
    try {
      call();
    } catch (error) {
      this.#options.logger.error('a watch handler failed; its watch is closed', {
        kind: watcher.kind,
        error,
      });
      if (!watcher.open) return;
      this.#forget(watcher);
      const failure = new RiverError('InternalError', `The watch handler failed: ${errorMessage(error)}.`);
      this.#guard(watcher, () => watcher.handler.closed(failure));
    }
  }
}

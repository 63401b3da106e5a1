import { type FSWatcher, watch } from 'node:fs';
import type { Clock, Logger, Timer } from '../../base/index.ts';

const rescanMs = 10_000;

/**
 * Tells which runs ended: one watch for the folder of exit records, however many run, and a slow look at
 * everything for what no watch can tell (a killed wrapper, an overflown queue of events).
 */
export class ExitWatch {
  readonly #listeners = new Set<(runUid: string | undefined) => void>();
  readonly #parts: { folder: string; clock: Clock; logger: Logger };
  #watcher: FSWatcher | undefined;
  #timer: Timer | undefined;
  #closed = false;

  constructor(folder: string, clock: Clock, logger: Logger) {
    this.#parts = { folder, clock, logger };
  }

  /** `rescan` answers the uids that changed without a word. Nothing once it is closed: who opens it may have been slow. */
  open(rescan: () => Promise<string[]>): void {
    if (this.#closed) return;
    this.#watchFolder();
    this.#schedule(rescan);
  }

  #watchFolder(): void {
    try {
      this.#watcher = watch(this.#parts.folder, (_event, name) => this.tell(name ?? undefined));
      this.#watcher.on('error', (error) => this.#lost(error));
    } catch (error) {
      this.#lost(error);
    }
  }

  #lost(error: unknown): void {
    this.#parts.logger.warn('cannot watch the folder of exit records; looking at it every ten seconds', {
      error,
    });
    this.#watcher?.close();
    this.#watcher = undefined;
  }

  #schedule(rescan: () => Promise<string[]>): void {
    if (this.#closed) return;
    this.#timer = this.#parts.clock.after(
      rescanMs,
      () => {
        rescan()
          .then((uids) => {
            for (const uid of uids) this.tell(uid);
          })
          .catch((error: unknown) => this.#parts.logger.warn('cannot look at the exit records', { error }))
          .finally(() => this.#schedule(rescan));
      },
      { unref: true },
    );
  }

  tell(runUid: string | undefined): void {
    if (!this.#closed) for (const listener of this.#listeners) listener(runUid);
  }

  onChange(listener: (runUid: string | undefined) => void): { close(): void } {
    this.#listeners.add(listener);
    return { close: () => this.#listeners.delete(listener) };
  }

  close(): void {
    this.#closed = true;
    this.#watcher?.close();
    this.#timer?.cancel();
    this.#listeners.clear();
  }
}

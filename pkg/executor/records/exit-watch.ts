import { type FSWatcher, watch } from 'node:fs';
import type { Clock, Logger, Timer } from '../../base/index.ts';
import { type Execution, isLive } from '../index.ts';

const rescanMs = 10_000;

type Inspect = (runUid: string) => Promise<Execution | undefined>;

/**
 * Tells which runs ended: one watch for the folder of exit records, however many run, and a slow look at
 * everything for what no watch can tell (a killed wrapper, an overflown queue of events).
 */
export class ExitWatch {
  readonly #listeners = new Set<(runUid: string | undefined) => void>();
  /** Runs that this incarnation has seen alive: what the slow look compares with. Never a source of truth. */
  readonly #alive = new Set<string>();
  readonly #parts: { folder: string; clock: Clock; logger: Logger };
  #watcher: FSWatcher | undefined;
  #timer: Timer | undefined;
  #closed = false;

  constructor(folder: string, clock: Clock, logger: Logger) {
    this.#parts = { folder, clock, logger };
  }

  /** Nothing once it is closed: who opens it may have been slow. */
  open(inspect: Inspect): void {
    if (this.#closed) return;
    this.#watchFolder();
    this.#schedule(inspect);
  }

  /** What was found when somebody looked. */
  seen(runUid: string, execution: Execution | undefined): void {
    if (isLive(execution)) this.#alive.add(runUid);
    else this.#alive.delete(runUid);
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

  #schedule(inspect: Inspect): void {
    if (this.#closed) return;
    this.#timer = this.#parts.clock.after(
      rescanMs,
      () => {
        this.#endedSilently(inspect)
          .then((uids) => {
            for (const uid of uids) this.tell(uid);
          })
          .catch((error: unknown) => this.#parts.logger.warn('cannot look at the exit records', { error }))
          .finally(() => this.#schedule(inspect));
      },
      { unref: true },
    );
  }

  /** Runs that were seen alive and are not any more. */
  async #endedSilently(inspect: Inspect): Promise<string[]> {
    const before = [...this.#alive];
    const now = await Promise.all(before.map(inspect));
    return before.filter((_, index) => !isLive(now[index]));
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

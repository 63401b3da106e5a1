import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Where the databases of one simulation lie: in memory where the machine offers that, removed at the end. */
export class Disk {
  readonly #root = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'river-sim-'));
  #folders = 0;

  /** Name of a folder that does not exist yet. */
  fresh(): string {
    this.#folders += 1;
    return join(this.#root, String(this.#folders));
  }

  /** What a dead life had, before it lets go of its files: SQLite copies no log into a file that is gone. */
  drop(folder: string): void {
    rmSync(folder, { recursive: true, force: true });
  }

  remove(): void {
    rmSync(this.#root, { recursive: true, force: true });
  }
}

import { chmod, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errorMessage, RiverError } from '../../base/index.ts';

/** The scripts of runs, as files that are mounted into their containers. Raises ServiceUnavailable when the disk refuses. */
export class Scripts {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  path(runUid: string): string {
    return join(this.#folder, runUid);
  }

  async open(): Promise<void> {
    await own(this.#folder, mkdir(this.#folder, { recursive: true, mode: 0o700 }));
  }

  async write(runUid: string, text: string): Promise<void> {
    await own(this.path(runUid), this.#replace(this.path(runUid), text));
  }

  /**
   * Readable and executable for whatever user the image has; its folder is closed. Renamed into place, because a
   * program that an earlier start began may still be reading it.
   */
  async #replace(path: string, text: string): Promise<void> {
    const next = `${path}.next`;
    await writeFile(next, text, { mode: 0o755 });
    await chmod(next, 0o755);
    await rename(next, path);
  }

  async remove(runUid: string): Promise<void> {
    await rm(this.path(runUid), { force: true });
  }
}

/** The executor's own disk is no trouble of the engine. */
async function own<T>(path: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (cause) {
    const message = `The runner cannot write ${path} (${errorMessage(cause)}): is its disk full or read-only?`;
    throw new RiverError('ServiceUnavailable', message, {}, { cause });
  }
}

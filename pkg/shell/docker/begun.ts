import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Which programs may run, by the ID of their exec: written before each begins, so that a host that was killed knows them again. */
export class Begun {
  readonly #directory: string;
  readonly #own = new Set<string>();

  constructor(directory: string) {
    this.#directory = directory;
  }

  async add(exec: string): Promise<void> {
    this.#own.add(exec);
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    await writeFile(join(this.#directory, exec), '', { mode: 0o600 });
  }

  async remove(exec: string): Promise<void> {
    await rm(join(this.#directory, exec), { force: true });
    this.#own.delete(exec);
  }

  /** By a process before this one. */
  async before(): Promise<string[]> {
    const names = await readdir(this.#directory).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return [];
      throw error;
    });
    return names.filter((name) => /^[0-9a-f]{64}$/.test(name) && !this.#own.has(name));
  }
}

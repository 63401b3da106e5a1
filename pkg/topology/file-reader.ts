import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The machine's files, below some root, so that tests and the simulator can show other machines. Paths start with `/`. */
export interface FileReader {
  /** Undefined when there is no such file or it cannot be read. */
  read(path: string): string | undefined;
  /** Names in a folder, sorted; none when there is no such folder. */
  list(path: string): string[];
}

/** Reads synchronously: these are small kernel files that never wait for a disk. `root` is `/` on a real machine. */
export function fileReader(root: string): FileReader {
  return {
    read(path) {
      try {
        return readFileSync(join(root, path), 'utf8');
      } catch {
        // Sensors come, go and answer EIO or ENODATA at any time: all the same as not being there.
        return undefined;
      }
    },
    list(path) {
      try {
        return readdirSync(join(root, path)).sort();
      } catch {
        return [];
      }
    },
  };
}

import { closeSync, fstatSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { errorMessage, RiverError } from '../base/index.ts';

/** Text of a file that holds a secret; undefined when there is none. Raises `Forbidden` when others may read or change it. */
export function readPrivateFile(file: string): string | undefined {
  let descriptor: number;
  try {
    descriptor = openSync(file, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new RiverError('Forbidden', `cannot read ${file}: ${errorMessage(error)}`);
  }
  try {
    // The open file is asked, not its name: it is the one that is read.
    const mode = fstatSync(descriptor).mode & 0o777;
    if ((mode & 0o077) === 0) return readFileSync(descriptor, 'utf8');
    throw new RiverError(
      'Forbidden',
      `${file} holds a secret and others may read or change it (mode ${mode.toString(8)}): chmod 600 ${file}`,
    );
  } finally {
    closeSync(descriptor);
  }
}

/** Mode 0600. A reader, also one after a crash, finds the old file or the new one, never half of one. */
export function writePrivateFile(file: string, text: string): void {
  const partial = `${file}.${process.pid}.new`;
  try {
    rmSync(partial, { force: true });
    writeFileSync(partial, text, { mode: 0o600, flag: 'wx', flush: true });
    renameSync(partial, file);
  } catch (error) {
    throw new RiverError('ServiceUnavailable', `${file} cannot be written: ${errorMessage(error)}`);
  } finally {
    rmSync(partial, { force: true });
  }
}

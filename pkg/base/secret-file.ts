import { closeSync, fstatSync, linkSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { errorMessage, RiverError } from './errors.ts';

export interface SecretFile {
  file: string;
  /** What whoever has it can do, as in "signs tokens": for the message when others may read it. */
  use: string;
  /** Content of a new one. */
  make: () => Uint8Array;
}

/**
 * The content of a file that only its owner may read; made when it is not there. Raises `Forbidden` when others may
 * read or change it, `ServiceUnavailable` when it cannot be written.
 */
export function loadOrCreateSecret(secret: SecretFile): Uint8Array {
  return read(secret) ?? create(secret) ?? loadOrCreateSecret(secret);
}

function read({ file, use }: SecretFile): Uint8Array | undefined {
  let descriptor: number;
  try {
    descriptor = openSync(file, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    const mode = fstatSync(descriptor).mode & 0o777;
    if ((mode & 0o077) === 0) return readFileSync(descriptor);
    throw new RiverError(
      'Forbidden',
      `${file} ${use} and others may read or change it (mode ${mode.toString(8)}): chmod 600 ${file}`,
    );
  } finally {
    closeSync(descriptor);
  }
}

/** Undefined when another process was first. Appears under its name only when it is whole: a crash leaves no half of one. */
function create({ file, use, make }: SecretFile): Uint8Array | undefined {
  const partial = `${file}.${process.pid}`;
  try {
    const content = make();
    rmSync(partial, { force: true });
    writeFileSync(partial, content, { mode: 0o600, flag: 'wx', flush: true });
    // Not rename: that would replace one that another process has made meanwhile.
    linkSync(partial, file);
    return content;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return undefined;
    throw new RiverError(
      'ServiceUnavailable',
      `the key that ${use} cannot be written: ${errorMessage(error)}`,
    );
  } finally {
    rmSync(partial, { force: true });
  }
}

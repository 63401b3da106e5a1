import { closeSync, fstatSync, linkSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { errorMessage, RiverError, type Rng } from '../../base/index.ts';

const keyBytes = 32;

/**
 * The key that signs tokens; made at the first start. Raises `Forbidden` when others may read the file: whoever has
 * it can make tokens of anybody.
 */
export function loadOrCreateKey(file: string, rng: Rng): Uint8Array {
  return readKey(file) ?? createKey(file, rng) ?? loadOrCreateKey(file, rng);
}

function readKey(file: string): Uint8Array | undefined {
  let descriptor: number;
  try {
    descriptor = openSync(file, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    const mode = fstatSync(descriptor).mode & 0o777;
    if ((mode & 0o077) !== 0) {
      throw new RiverError(
        'Forbidden',
        `${file} signs tokens and others may read or change it (mode ${mode.toString(8)}): chmod 600 ${file}`,
      );
    }
    const key = readFileSync(descriptor);
    if (key.length === keyBytes) return key;
    throw new RiverError(
      'InternalError',
      `${file} is damaged (${key.length} bytes, not ${keyBytes}): remove it, and make all tokens anew`,
    );
  } finally {
    closeSync(descriptor);
  }
}

/** Undefined when another process was first. Appears under its name only when it is whole: a crash leaves no half of one. */
function createKey(file: string, rng: Rng): Uint8Array | undefined {
  const partial = `${file}.${process.pid}`;
  try {
    const key = rng.bytes(keyBytes);
    rmSync(partial, { force: true });
    writeFileSync(partial, key, { mode: 0o600, flag: 'wx', flush: true });
    // Not rename: that would replace a key that another process has made meanwhile.
    linkSync(partial, file);
    return key;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return undefined;
    throw new RiverError(
      'ServiceUnavailable',
      `the key that signs tokens cannot be written: ${errorMessage(error)}`,
    );
  } finally {
    rmSync(partial, { force: true });
  }
}

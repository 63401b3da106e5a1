import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';
import { errorMessage, RiverError } from '../base/index.ts';

/** The token in a file that nobody but its owner may read. Raises `Unauthorized` with what to do. */
export function readTokenFile(file: string): string {
  let descriptor: number;
  try {
    descriptor = openSync(file, 'r');
  } catch (error) {
    throw new RiverError(
      'Unauthorized',
      `the token file cannot be read: ${errorMessage(error)}; put the node's token there`,
    );
  }
  try {
    // The open file is asked, not its name: it is the one that is read.
    if ((fstatSync(descriptor).mode & 0o077) !== 0) {
      throw new RiverError(
        'Unauthorized',
        `others can read the token in ${file}: run chmod 600 ${file}, and make a new token if somebody may have`,
      );
    }
    const token = readFileSync(descriptor, 'utf8').trim();
    if (!token)
      throw new RiverError('Unauthorized', `the token file ${file} is empty: put the node's token there`);
    return token;
  } finally {
    closeSync(descriptor);
  }
}

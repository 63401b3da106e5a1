import type { Stats } from 'node:fs';
import { stat } from 'node:fs/promises';
import { errorMessage, RiverError } from '../../base/index.ts';

/** What a manifest names on the host. Raises `NotFound` when it is not there, `Invalid` when it is no file. */
export async function readable(file: string): Promise<Stats> {
  const found = await stat(file).catch((error: unknown) => {
    throw new RiverError('NotFound', `${file} cannot be read on the host: ${errorMessage(error)}`);
  });
  if (!found.isFile()) throw new RiverError('Invalid', `${file} is no file on the host`);
  if (found.size === 0) throw new RiverError('Invalid', `${file} on the host is empty`);
  return found;
}

import { RiverError } from '../../pkg/base/index.ts';
import type { Store, StoredRecord } from '../../pkg/store/index.ts';
import { task } from './objects.ts';

/** Code of the refusal, or `accepted`. */
export async function refused(work: Promise<unknown> | (() => unknown)): Promise<string> {
  try {
    await (typeof work === 'function' ? work() : work);
  } catch (error) {
    if (error instanceof RiverError) return error.code;
    throw error;
  }
  return 'accepted';
}

export const names = (records: StoredRecord[]) => records.map((record) => record.name);

export function put(
  store: Store,
  name: string,
  more: Parameters<typeof task>[1] = {},
): Promise<StoredRecord> {
  return store.transact((transaction) => transaction.put(task(name, more)));
}

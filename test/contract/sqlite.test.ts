import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { realClock, realRng, silentLogger } from '../../pkg/base/index.ts';
import { openSqliteStore } from '../../pkg/store/index.ts';
import { type StoreHarness, storeContract } from './store.ts';

async function open(): Promise<StoreHarness> {
  const directory = mkdtempSync(join(tmpdir(), 'river-store-'));
  const openAgain = () =>
    openSqliteStore({ directory, clock: realClock, rng: realRng, logger: silentLogger });
  let current = openAgain();
  const harness: StoreHarness = {
    store: current,
    async reopen() {
      await current.close();
      current = openAgain();
      harness.store = current;
      return current;
    },
    async crash() {
      current.abandon();
      current = openAgain();
      harness.store = current;
      return current;
    },
    async dispose() {
      await current.close();
      rmSync(directory, { recursive: true });
    },
  };
  return harness;
}

storeContract('SqliteStore', open);

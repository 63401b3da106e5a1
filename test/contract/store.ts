import { afterEach, beforeEach, describe } from 'vitest';
import type { Store } from '../../pkg/store/index.ts';
import { compactionTests } from './store-compaction.ts';
import { lifetimeTests } from './store-lifetime.ts';
import { activeTests, pageTests, repeatedTests, selectionTests } from './store-lists.ts';
import { modelChecks } from './store-model.ts';
import { isolationTests, writeTests } from './store-transactions.ts';
import { deliveryTests, handlerTests } from './store-watches.ts';

/** One store under test and what a test may do to it. */
export interface StoreHarness {
  store: Store;
  /** Closes and opens again, with the same contents. */
  reopen(): Promise<Store>;
  /** Stops without a chance to tidy up, as when the process dies, and opens again. */
  crash(): Promise<Store>;
  /** Closes and removes everything. */
  dispose(): Promise<void>;
}

export type OpenStore = () => Promise<StoreHarness>;

/** What every `Store` must do. `open` makes an empty one. */
export function storeContract(name: string, open: OpenStore): void {
  describe(`${name} as a Store`, () => {
    let harness: StoreHarness;
    const store = () => harness.store;
    beforeEach(async () => {
      harness = await open();
    });
    afterEach(() => harness.dispose());
    describe('writes', () => writeTests(store));
    describe('isolation', () => isolationTests(store));
    describe('selections', () => selectionTests(store));
    describe('lists that are asked for again', () => repeatedTests(store));
    describe('what has not ended', () => activeTests(store));
    describe('pages', () => pageTests(store));
    describe('delivery to watches', () => deliveryTests(store));
    describe('watch handlers', () => handlerTests(store));
    describe('compaction', () => compactionTests(store));
    describe('lifetime', () => lifetimeTests(() => harness));
  });
  modelChecks(name, open);
}

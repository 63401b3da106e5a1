import { expect, test } from 'vitest';
import { hasCode } from '../../pkg/base/index.ts';
import { names, put, refused } from './actions.ts';
import { recordWatch } from './recorder.ts';
import type { StoreHarness } from './store.ts';

export function lifetimeTests(harness: () => StoreHarness): void {
  test('everything is there after opening again, and after a crash', async () => {
    for (const again of ['reopen', 'crash'] as const) {
      const { store } = harness();
      await put(store, again, { labels: { a: again } });
      await put(store, 'gone');
      await store.transact((transaction) => transaction.delete('Task', 'default', 'gone'));
      const before = { version: store.version(), clusterUid: store.clusterUid, epoch: store.epoch };
      const opened = await harness()[again]();
      expect({ version: opened.version(), clusterUid: opened.clusterUid, epoch: opened.epoch }).toEqual(
        before,
      );
      expect(names((await opened.list('Task', { labels: { a: again } })).records)).toEqual([again]);
      expect((await put(opened, 'next')).version).toBeGreaterThan(before.version);
    }
  });

  test('floor and version survive when the newest write was a deletion that was compacted', async () => {
    const { store } = harness();
    await put(store, 'one');
    await store.transact((transaction) => transaction.delete('Task', 'default', 'one'));
    await store.compact(store.version());
    const before = store.version();
    const opened = await harness().reopen();
    expect([opened.version(), opened.floor()]).toEqual([before, before]);
    expect((await put(opened, 'one')).version).toBeGreaterThan(before);
  });

  test('close finishes what was asked before, ends watches and refuses what comes after', async () => {
    const { store } = harness();
    const watch = recordWatch(store, 'Task', store.version());
    const write = put(store, 'one');
    const closing = store.close();
    expect((await write).name).toBe('one');
    await closing;
    expect(watch.errors.length).toBe(1);
    expect(hasCode(watch.errors[0], 'ServiceUnavailable')).toBe(true);
    expect(await refused(put(store, 'two'))).toBe('ServiceUnavailable');
    expect(await refused(store.list('Task'))).toBe('ServiceUnavailable');
    expect(await refused(() => store.get('Task', 'default', 'one'))).toBe('ServiceUnavailable');
    const opened = await harness().reopen();
    expect(opened.get('Task', 'default', 'one')).toBeDefined();
  });
}

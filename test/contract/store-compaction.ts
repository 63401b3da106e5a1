import { expect, test } from 'vitest';
import type { Store } from '../../pkg/store/index.ts';
import { names, put, refused } from './actions.ts';
import { task } from './objects.ts';
import { recordWatch, until } from './recorder.ts';

export function compactionTests(store: () => Store): void {
  test('what is below the floor is Expired, what is above is exact', async () => {
    await put(store(), 'stays');
    await put(store(), 'goes');
    await put(store(), 'changes', { labels: { a: '1' } });
    const early = store().version();
    await put(store(), 'changes', { labels: { a: '2' } });
    await store().transact((transaction) => transaction.delete('Task', 'default', 'goes'));
    const floor = store().version();
    await put(store(), 'changes', { labels: { a: '3' } });
    await put(store(), 'new');
    await store().compact(floor);
    expect(store().floor()).toBe(floor);
    expect(await refused(store().list('Task', { atVersion: early }))).toBe('Expired');
    expect(await refused(() => recordWatch(store(), 'Task', early))).toBe('Expired');
    const past = await store().list('Task', { atVersion: floor });
    expect(names(past.records)).toEqual(['changes', 'stays']);
    expect(past.records[0]?.object.metadata.labels).toEqual({ a: '2' });
    const watch = recordWatch(store(), 'Task', floor);
    await until(() => watch.events.length === 2);
    expect(watch.events[0]).toMatchObject({ type: 'MODIFIED', previous: { name: 'changes' } });
    expect(watch.events[0]?.previous?.object.metadata.labels).toEqual({ a: '2' });
    watch.close();
  });

  test('a continue token of before is Expired', async () => {
    await put(store(), 'one');
    await put(store(), 'two');
    const page = await store().list('Task', { limit: 1 });
    await put(store(), 'three');
    await store().compact(store().version());
    expect(await refused(store().list('Task', { limit: 1, continueFrom: page.next }))).toBe('Expired');
  });

  test('the floor never goes back nor above the newest version', async () => {
    await put(store(), 'one');
    await put(store(), 'one');
    const version = store().version();
    await store().compact(version + 100);
    expect(store().floor()).toBe(version);
    await store().compact(1);
    expect(store().floor()).toBe(version);
    expect(names((await store().list('Task')).records)).toEqual(['one']);
  });

  test('lists and replays under way are finished from before', async () => {
    await store().transact((transaction) => {
      for (let index = 0; index < 1100; index += 1) transaction.put(task(`t${index}`));
    });
    const watch = recordWatch(store(), 'Task', 0);
    const list = store().list('Task');
    await store().transact((transaction) => {
      for (let index = 0; index < 1100; index += 1)
        transaction.put(task(`t${index}`, { labels: { again: 'yes' } }));
    });
    await store().compact(store().version());
    const page = await list;
    expect(page.records.length).toBe(1100);
    expect(page.records.every(({ object }) => object.metadata.labels === undefined)).toBe(true);
    await until(() => watch.position() >= store().version());
    expect(watch.events.length).toBe(2200);
    expect(watch.errors).toEqual([]);
    watch.close();
  });
}

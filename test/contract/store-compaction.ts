import { expect, test } from 'vitest';
import type { ListPage, Store } from '../../pkg/store/index.ts';
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
    // Changed from the last name to the first: a list, which goes the other way, meets what is forgotten early.
    const all = Array.from({ length: 3000 }, (_, index) => `t${9999 - index}`);
    const writeAll = (round: string) =>
      store().transact((transaction) => {
        for (const name of all) transaction.put(task(name, { labels: { round } }));
      });
    await writeAll('1');
    const start = store().version();
    await store().compact(start);
    await writeAll('2');
    const watch = recordWatch(store(), 'Task', start);
    const past = store().list('Task', { atVersion: start });
    const present = store().list('Task');
    await writeAll('3');
    await store().compact(store().version());
    const rounds = ({ records }: ListPage) => records.map(({ object }) => object.metadata.labels?.round);
    expect(rounds(await past)).toEqual(all.map(() => '1'));
    expect(rounds(await present)).toEqual(all.map(() => '2'));
    await until(() => watch.position() >= store().version());
    expect(watch.events.length).toBe(6000);
    expect(watch.errors).toEqual([]);
    watch.close();
  });
}

import { expect, test } from 'vitest';
import type { Store, StoredRecord } from '../../pkg/store/index.ts';
import { names, put, refused } from './actions.ts';
import { task } from './objects.ts';

export function writeTests(store: () => Store): void {
  test('a write is read back with its version', async () => {
    const record = await put(store(), 'one');
    expect(record.version).toBe(store().version());
    const read = store().get('Task', 'default', 'one');
    expect(read?.version).toBe(record.version);
    expect(read?.object.metadata.resourceVersion).toBe(String(record.version));
    expect(JSON.parse(read?.json ?? '')).toEqual(read?.object);
    expect(store().get('Task', 'other', 'one')).toBeUndefined();
    expect(store().get('Run', 'default', 'one')).toBeUndefined();
  });

  test('what the caller does with its object later does not reach the store', async () => {
    const object = task('one', { labels: { a: '1' } });
    await store().transact((transaction) => transaction.put(object));
    object.metadata.labels = { a: '2' };
    expect(store().get('Task', 'default', 'one')?.object.metadata.labels).toEqual({ a: '1' });
    expect(object.metadata.resourceVersion).toBeUndefined();
  });

  test('versions grow with every write', async () => {
    const written = await store().transact((transaction) => [
      transaction.put(task('one')).version,
      transaction.put(task('two')).version,
      transaction.delete('Task', 'default', 'one').version,
    ]);
    expect(written).toEqual([...written].sort((left, right) => left - right));
    expect(new Set(written).size).toBe(3);
    expect(store().version()).toBe(written[2]);
  });

  test('expect 0 means that it must not exist', async () => {
    await store().transact((transaction) => transaction.put(task('one'), 0));
    expect(await refused(store().transact((transaction) => transaction.put(task('one'), 0)))).toBe(
      'AlreadyExists',
    );
  });

  test('expect a version means exactly that one', async () => {
    const first = await put(store(), 'one');
    const second = await store().transact((transaction) => transaction.put(task('one'), first.version));
    expect(
      await refused(store().transact((transaction) => transaction.put(task('one'), first.version))),
    ).toBe('Conflict');
    expect(await refused(store().transact((transaction) => transaction.put(task('none'), 7)))).toBe(
      'Conflict',
    );
    const stale = store().transact((transaction) =>
      transaction.delete('Task', 'default', 'one', first.version),
    );
    expect(await refused(stale)).toBe('Conflict');
    expect(store().get('Task', 'default', 'one')?.version).toBe(second.version);
  });

  test('a deletion answers the last state with its own version', async () => {
    await put(store(), 'one', { labels: { a: '1' } });
    const gone = await store().transact((transaction) => transaction.delete('Task', 'default', 'one'));
    expect(gone.version).toBe(store().version());
    expect(gone.object.metadata).toMatchObject({ labels: { a: '1' }, resourceVersion: String(gone.version) });
    expect(store().get('Task', 'default', 'one')).toBeUndefined();
    expect(
      await refused(store().transact((transaction) => transaction.delete('Task', 'default', 'one'))),
    ).toBe('NotFound');
  });
}

export function isolationTests(store: () => Store): void {
  test('what throws undoes its own writes only', async () => {
    const before = put(store(), 'before');
    const bad = store().transact((transaction) => {
      transaction.put(task('bad'));
      transaction.delete('Task', 'default', 'before');
      throw new Error('no');
    });
    const after = put(store(), 'after');
    await expect(bad).rejects.toThrow('no');
    await Promise.all([before, after]);
    expect(names((await store().list('Task')).records)).toEqual(['after', 'before']);
  });

  test('reads see the writes before them and their own', async () => {
    const first = put(store(), 'one', { labels: { a: '1' } });
    const seen = store().transact((transaction) => {
      const before = names(transaction.list('Task', { labels: { a: '1' } }));
      transaction.put(task('two', { labels: { a: '1' } }));
      transaction.put(task('one'));
      return [
        before,
        names(transaction.list('Task', { labels: { a: '1' } })),
        names(transaction.list('Task')),
      ];
    });
    await first;
    expect(await seen).toEqual([['one'], ['two'], ['one', 'two']]);
  });

  test('nothing is visible outside before the commit', async () => {
    let outside: StoredRecord | undefined;
    await store().transact((transaction) => {
      transaction.put(task('one'));
      outside = store().get('Task', 'default', 'one');
    });
    expect(outside).toBeUndefined();
    expect(store().get('Task', 'default', 'one')).toBeDefined();
  });

  test('a transaction that outlives its work is refused', async () => {
    const late = await store().transact((transaction) => () => transaction.put(task('late')));
    expect(late).toThrow();
    expect(await refused(store().transact(async (transaction) => transaction.put(task('late'))))).toBe(
      'InternalError',
    );
    expect(store().get('Task', 'default', 'late')).toBeUndefined();
  });
}

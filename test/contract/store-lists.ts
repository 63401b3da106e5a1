import { expect, test } from 'vitest';
import type { Store } from '../../pkg/store/index.ts';
import { names, put, refused } from './actions.ts';
import { run, task } from './objects.ts';

export function selectionTests(store: () => Store): void {
  test('ordered by namespace and name, and cut to one namespace', async () => {
    await store().transact((transaction) => {
      for (const [namespace, name] of [
        ['b', 'a'],
        ['a', 'b'],
        ['a', 'a'],
        ['ab', 'a'],
      ] as const) {
        transaction.put(task(name, { namespace }));
      }
    });
    const all = await store().list('Task');
    expect(all.records.map(({ namespace, name }) => `${namespace}/${name}`)).toEqual([
      'a/a',
      'a/b',
      'ab/a',
      'b/a',
    ]);
    expect(all.version).toBe(store().version());
    expect(all.next).toBeUndefined();
    expect(names((await store().list('Task', { namespace: 'a' })).records)).toEqual(['a', 'b']);
    expect((await store().list('Run')).records).toEqual([]);
  });

  test('by labels, owner and node, at present and in the past', async () => {
    await store().transact((transaction) => {
      transaction.put(run('one', { labels: { a: '1', b: '1' }, owner: 'u1', node: 'n1' }));
      transaction.put(run('two', { labels: { a: '1' }, owner: 'u1' }));
      transaction.put(run('three', { labels: { a: '2' }, owner: 'u2', node: 'n1' }));
    });
    const past = store().version();
    await store().transact((transaction) => {
      transaction.put(run('one', { labels: { a: '2' }, owner: 'u1', node: 'n2' }));
      transaction.delete('Run', 'default', 'three');
    });
    const list = async (options: Parameters<Store['list']>[1]) =>
      names((await store().list('Run', options)).records);
    expect(await list({ labels: { a: '1' } })).toEqual(['two']);
    expect(await list({ labels: { a: '1' }, atVersion: past })).toEqual(['one', 'two']);
    expect(await list({ labels: { a: '1', b: '1' }, atVersion: past })).toEqual(['one']);
    expect(await list({ labels: { a: '1', b: '1' } })).toEqual([]);
    expect(await list({ ownerUid: 'u1' })).toEqual(['one', 'two']);
    expect(await list({ node: 'n1' })).toEqual([]);
    expect(await list({ node: 'n1', atVersion: past })).toEqual(['one', 'three']);
    expect(await list({ node: 'n2', ownerUid: 'u1', labels: { a: '2' } })).toEqual(['one']);
    const many = Object.fromEntries(Array.from({ length: 70 }, (_, index) => [`l${index}`, 'x']));
    await store().transact((transaction) => transaction.put(run('many', { labels: many })));
    await store().transact((transaction) => transaction.put(run('less', { labels: { ...many, l69: 'y' } })));
    expect(await list({ labels: many })).toEqual(['many']);
  });
}

export function repeatedTests(store: () => Store): void {
  const list = async (options?: Parameters<Store['list']>[1]) =>
    names((await store().list('Task', options)).records);

  test('asked for again and again, always as new as the last write', async () => {
    expect(await list()).toEqual([]);
    await put(store(), 'b');
    expect(await list()).toEqual(['b']);
    await put(store(), 'a');
    const between = store().version();
    expect(await list()).toEqual(['a', 'b']);
    const first = await store().list('Task');
    first.records.pop();
    await store().transact((transaction) => transaction.put(run('other', {})));
    const again = await store().list('Task');
    expect([names(again.records), again.version]).toEqual([['a', 'b'], store().version()]);
    await store().transact((transaction) => transaction.delete('Task', 'default', 'b'));
    expect(await list()).toEqual(['a']);
    expect(await list({ atVersion: between })).toEqual(['a', 'b']);
  });

  test('after a whole list, pages and selections of it', async () => {
    for (const name of ['a', 'b', 'c']) await put(store(), name, { namespace: name });
    expect(await list()).toEqual(['a', 'b', 'c']);
    expect(await list({ namespace: 'b' })).toEqual(['b']);
    expect(await list({ labels: { a: '1' } })).toEqual([]);
    expect(await list({ limit: 3 })).toEqual(['a', 'b', 'c']);
    const page = await store().list('Task', { limit: 2 });
    expect([names(page.records), page.remaining]).toEqual([['a', 'b'], 1]);
    expect(await list({ limit: 2, continueFrom: page.next })).toEqual(['c']);
  });

  test('a name that was looked for in vain can be made, and taken away, in the same transaction', async () => {
    const seen = await store().transact((transaction) => {
      const look = () => transaction.get('Task', 'default', 'a') !== undefined;
      const before = look();
      transaction.put(task('a'), 0);
      const made = look();
      transaction.delete('Task', 'default', 'a');
      return [before, made, look()];
    });
    expect(seen).toEqual([false, true, false]);
  });
}

export function activeTests(store: () => Store): void {
  test('of a node only what has not ended, at present, in the past and inside of a transaction', async () => {
    await store().transact((transaction) => {
      for (const phase of ['Scheduled', 'Running', 'Lost', 'Succeeded', 'Failed', 'Stopped'])
        transaction.put(run(phase.toLowerCase(), { node: 'n1', phase }));
      transaction.put(run('elsewhere', { node: 'n2', phase: 'Running' }));
      transaction.put(run('nowhere', { phase: 'Pending' }));
    });
    const past = store().version();
    const within = await store().transact((transaction) => {
      transaction.put(run('running', { node: 'n1', phase: 'Succeeded' }));
      transaction.put(run('lost', { node: 'n1', phase: 'Running' }));
      transaction.delete('Run', 'default', 'scheduled');
      return names(transaction.list('Run', { node: 'n1', active: true }));
    });
    expect(within).toEqual(['lost']);
    const list = async (atVersion?: number) =>
      names((await store().list('Run', { node: 'n1', active: true, atVersion })).records);
    expect(await list()).toEqual(['lost']);
    expect(await list(past)).toEqual(['lost', 'running', 'scheduled']);
    expect((await store().list('Run', { node: 'n1' })).records).toHaveLength(5);
  });
}

export function pageTests(store: () => Store): void {
  test('pages show one state, whatever is written between them', async () => {
    const wanted = Array.from({ length: 25 }, (_, index) => `t${String(index).padStart(2, '0')}`);
    await store().transact((transaction) => {
      for (const name of wanted) transaction.put(task(name));
    });
    const first = await store().list('Task', { limit: 10 });
    expect(first.remaining ?? 15).toBe(15);
    await store().transact((transaction) => {
      transaction.delete('Task', 'default', 't11');
      transaction.put(task('t115'));
      transaction.put(task('t20', { labels: { changed: 'yes' } }));
    });
    const second = await store().list('Task', { limit: 10, continueFrom: first.next });
    const third = await store().list('Task', { limit: 10, continueFrom: second.next });
    expect(names([...first.records, ...second.records, ...third.records])).toEqual(wanted);
    expect([second.version, third.version]).toEqual([first.version, first.version]);
    expect(third.next).toBeUndefined();
    expect(third.records.find(({ name }) => name === 't20')?.object.metadata.labels).toBeUndefined();
    expect((await store().list('Task', { limit: 24 })).next).toBeDefined();
    expect((await store().list('Task', { limit: 26, atVersion: first.version })).next).toBeUndefined();
  });

  test('a long list is one state, and leaves room for others', async () => {
    await store().transact((transaction) => {
      for (let index = 0; index < 1500; index += 1) transaction.put(task(`t${index}`));
    });
    const version = store().version();
    const list = store().list('Task');
    const write = put(store(), 'zzz');
    const last = store().transact((transaction) => transaction.delete('Task', 'default', 't999'));
    await Promise.all([write, last]);
    const page = await list;
    expect(page.version).toBe(version);
    expect(new Set(names(page.records)).size).toBe(1500);
    expect(page.records.some(({ name }) => name === 'zzz')).toBe(false);
  });

  test('refuses a token that is none, and a version that it does not know', async () => {
    expect(await refused(store().list('Task', { continueFrom: 'nonsense' }))).toBe('BadRequest');
    expect(await refused(store().list('Task', { atVersion: store().version() + 1 }))).toBe('Expired');
  });
}

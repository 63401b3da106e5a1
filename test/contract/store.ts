import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { hasCode, RiverError } from '../../pkg/base/index.ts';
import type { Store, StoredRecord } from '../../pkg/store/index.ts';
import { run, task } from './objects.ts';
import { recordWatch, until } from './recorder.ts';
import { modelChecks } from './store-model.ts';

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
    describe('transactions', () => transactionTests(store));
    describe('lists', () => listTests(store));
    describe('watches', () => watchTests(store));
    describe('compaction', () => compactionTests(store));
    describe('lifetime', () => lifetimeTests(() => harness));
  });
  modelChecks(name, open);
}

async function refused(work: Promise<unknown> | (() => unknown)): Promise<string> {
  try {
    await (typeof work === 'function' ? work() : work);
  } catch (error) {
    if (error instanceof RiverError) return error.code;
    throw error;
  }
  return 'accepted';
}

const names = (records: StoredRecord[]) => records.map((record) => record.name);

function put(store: Store, name: string, more: Parameters<typeof task>[1] = {}): Promise<StoredRecord> {
  return store.transact((transaction) => transaction.put(task(name, more)));
}

function transactionTests(store: () => Store): void {
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

function listTests(store: () => Store): void {
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

function watchTests(store: () => Store): void {
  test('live events in order, with the state before', async () => {
    const watch = recordWatch(store(), 'Task', store().version());
    await put(store(), 'one', { labels: { a: '1' } });
    await put(store(), 'one', { labels: { a: '2' } });
    await store().transact((transaction) => transaction.put(run('other', {})));
    await store().transact((transaction) => transaction.delete('Task', 'default', 'one'));
    await until(() => watch.position() >= store().version());
    expect(watch.events.map(({ type }) => type)).toEqual(['ADDED', 'MODIFIED', 'DELETED']);
    expect(watch.events.map(({ previous }) => previous?.object.metadata.labels)).toEqual([
      undefined,
      { a: '1' },
      { a: '2' },
    ]);
    expect(watch.events[2]?.record.version).toBe(store().version());
    watch.close();
  });

  test('replay and live meet without a gap', async () => {
    for (let index = 0; index < 20; index += 1) await put(store(), `t${index % 4}`);
    await store().transact((transaction) => {
      for (let index = 0; index < 1200; index += 1) transaction.put(task(`many${index}`));
    });
    const start = 3;
    const watch = recordWatch(store(), 'Task', start);
    for (let index = 0; index < 30; index += 1) await put(store(), `t${index % 4}`);
    await until(() => watch.position() >= store().version());
    const expected = Array.from({ length: store().version() - start }, (_, index) => start + 1 + index);
    const versions = watch.events.map(({ record }) => record.version);
    if (versions.length === expected.length) expect(versions).toEqual(expected);
    else expect(versions.length).toBe(20 + 1200 + 30 - start);
    expect(versions).toEqual([...versions].sort((left, right) => left - right));
    watch.close();
  });

  test('the handler is not called before watch returns', async () => {
    await put(store(), 'one');
    let returned = false;
    const calls: boolean[] = [];
    const handler = {
      event: () => calls.push(returned),
      progress: () => calls.push(returned),
      closed: () => {},
    };
    const watch = store().watch('Task', 0, handler);
    returned = true;
    await until(() => calls.length >= 2);
    expect(calls).toEqual([true, true]);
    watch.close();
  });

  test('nothing comes after close, also when closed by a handler', async () => {
    const seen: string[] = [];
    const first = recordWatch(store(), 'Task', store().version(), (event) => {
      seen.push(event.record.name);
      first.close();
    });
    const second = recordWatch(store(), 'Task', store().version());
    await store().transact((transaction) => {
      transaction.put(task('one'));
      transaction.put(task('two'));
    });
    await until(() => second.events.length === 2);
    expect(seen).toEqual(['one']);
    second.close();
  });

  test('a watch opened by a handler starts where it asked to', async () => {
    const inner: ReturnType<typeof recordWatch>[] = [];
    const outer = recordWatch(store(), 'Task', store().version(), (event) => {
      if (inner.length === 0) inner.push(recordWatch(store(), 'Task', event.record.version));
    });
    await store().transact((transaction) => {
      transaction.put(task('one'));
      transaction.put(task('two'));
    });
    await until(() => inner[0]?.events.length === 1);
    await put(store(), 'three');
    await until(() => inner[0]?.events.length === 2);
    expect(inner[0]?.events.map(({ record }) => record.name)).toEqual(['two', 'three']);
    outer.close();
    inner[0]?.close();
  });

  test('a handler that throws ends its own watch only', async () => {
    const good = recordWatch(store(), 'Task', store().version());
    const bad = recordWatch(store(), 'Task', store().version(), () => {
      throw new Error('handler');
    });
    const next = recordWatch(store(), 'Task', store().version());
    await put(store(), 'one');
    await until(() => good.events.length === 1 && next.events.length === 1 && bad.errors.length === 1);
    await put(store(), 'two');
    await until(() => good.events.length === 2);
    expect(bad.events.length).toBe(1);
    good.close();
    next.close();
  });

  test('a transaction that is refused is not seen', async () => {
    const watch = recordWatch(store(), 'Task', store().version());
    await refused(
      store().transact((transaction) => {
        transaction.put(task('bad'));
        throw new RiverError('Invalid', 'no');
      }),
    );
    await put(store(), 'good');
    await until(() => watch.events.length > 0);
    expect(watch.events.map(({ record }) => record.name)).toEqual(['good']);
    watch.close();
  });

  test('refuses a version from the future', async () => {
    expect(await refused(() => recordWatch(store(), 'Task', store().version() + 1))).toBe('Expired');
  });
}

function compactionTests(store: () => Store): void {
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

function lifetimeTests(harness: () => StoreHarness): void {
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

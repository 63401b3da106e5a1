import { expect, test } from 'vitest';
import { RiverError } from '../../pkg/base/index.ts';
import type { Store } from '../../pkg/store/index.ts';
import { put, refused } from './actions.ts';
import { run, task } from './objects.ts';
import { recordWatch, until } from './recorder.ts';

export function deliveryTests(store: () => Store): void {
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

export function handlerTests(store: () => Store): void {
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
}

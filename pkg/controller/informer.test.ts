import { beforeEach, describe, expect, test } from 'vitest';
import { ManualClock, settle } from '../../test/support/manual-clock.ts';
import { apiVersion, type Node } from '../api/index.ts';
import { RiverError, seededRng, silentLogger } from '../base/index.ts';
import type { Client, ListOptions, WatchHandler, WatchOptions } from '../client/index.ts';
import { Informer } from './informer.ts';

function node(name: string, version: number, zone = 'a', uid = `uid-${name}`): Node {
  const metadata = { name, uid, resourceVersion: String(version), labels: { zone } };
  return { apiVersion, kind: 'Node', metadata };
}

/** Serves what a test says, two objects a page. */
class FakeApi {
  state: Node[] = [];
  version = 1;
  listError: RiverError | undefined;
  lists = 0;
  handler: WatchHandler<Node> | undefined;
  watchedFrom: string | undefined;
  closed = 0;

  readonly client = {
    list: async (_kind: string, { continue: from = '0' }: ListOptions = {}) => {
      if (from === '0') this.lists += 1;
      if (this.listError) throw this.listError;
      const start = Number(from);
      const next = start + 2 < this.state.length ? String(start + 2) : undefined;
      const items = this.state.slice(start, start + 2);
      return { items, resourceVersion: String(this.version), continue: next };
    },
    watch: (_kind: string, options: WatchOptions, handler: WatchHandler<Node>) => {
      this.handler = handler;
      this.watchedFrom = options.resourceVersion;
      return { close: () => void this.closed++ };
    },
  } as unknown as Pick<Client, 'list' | 'watch'>;
}

describe('Informer', () => {
  let api: FakeApi;
  let clock: ManualClock;
  let informer: Informer<'Node'>;
  let changes: string[];

  beforeEach(() => {
    api = new FakeApi();
    clock = new ManualClock();
    informer = new Informer({
      kind: 'Node',
      client: api.client,
      clock,
      rng: seededRng(1),
      logger: silentLogger,
    });
    changes = [];
    informer.onChange((key, previous, current) => {
      changes.push(
        `${key} ${previous?.metadata.resourceVersion ?? '-'}→${current?.metadata.resourceVersion ?? '-'}`,
      );
    });
  });

  async function start(): Promise<void> {
    informer.start();
    await informer.synced();
  }

  test('lists all pages, then watches from the version of the list', async () => {
    api.state = [node('a', 1), node('b', 2), node('c', 3)];
    api.version = 7;
    expect(informer.hasSynced()).toBe(false);
    await start();
    expect(informer.list().map((object) => object.metadata.name)).toEqual(['a', 'b', 'c']);
    expect(api.watchedFrom).toBe('7');
    expect(changes).toEqual(['a -→1', 'b -→2', 'c -→3']);
  });

  test('follows events', async () => {
    api.state = [node('a', 1)];
    await start();
    changes.length = 0;
    api.handler?.event({ type: 'ADDED', object: node('b', 2) });
    api.handler?.event({ type: 'MODIFIED', object: node('a', 3) });
    api.handler?.event({ type: 'DELETED', object: node('b', 4) });
    api.handler?.event({ type: 'DELETED', object: node('never-seen', 5) });
    expect(changes).toEqual(['b -→2', 'a 1→3', 'b 2→-']);
    expect(informer.get('a')?.metadata.resourceVersion).toBe('3');
  });

  test('keeps indexes, also one that is made late', async () => {
    api.state = [node('a', 1, 'x'), node('b', 2, 'y')];
    await start();
    const inZone = informer.index('zone', (object) => [object.metadata.labels?.zone ?? '']);
    const names = (zone: string) => inZone(zone).map((object) => object.metadata.name);
    expect(names('x')).toEqual(['a']);
    api.handler?.event({ type: 'MODIFIED', object: node('a', 3, 'y') });
    api.handler?.event({ type: 'DELETED', object: node('b', 4, 'y') });
    expect([names('x'), names('y')]).toEqual([[], ['a']]);
  });

  test('lists again when the watch has ended, and tells the difference only', async () => {
    api.state = [node('a', 1), node('b', 2), node('c', 3)];
    await start();
    changes.length = 0;
    const before = api.handler;
    api.state = [node('a', 1), node('b', 5), node('c', 6, 'a', 'another')];
    before?.closed(new RiverError('Expired', 'compacted'));
    expect(informer.list()).toHaveLength(3);
    clock.advance(50);
    await settle(2);
    expect(changes).toEqual(['b 2→5', 'c 3→-', 'c -→6']);
    before?.event({ type: 'DELETED', object: node('a', 9) });
    expect(informer.get('a')).toBeDefined();
  });

  test('a deletion that the watch has missed is seen at the next list', async () => {
    api.state = [node('a', 1), node('b', 2)];
    await start();
    api.state = [node('b', 2)];
    api.handler?.closed();
    clock.advance(50);
    await settle(2);
    expect(changes.slice(2)).toEqual(['a 1→-']);
  });

  test('is not synced before a whole list has come; tries again with growing delays', async () => {
    api.listError = new RiverError('ServiceUnavailable', 'no host');
    informer.start();
    await settle(2);
    for (const delayMs of [50, 100, 200]) {
      clock.advance(delayMs / 2 - 1);
      const lists = api.lists;
      await settle(2);
      expect(api.lists).toBe(lists);
      clock.advance(delayMs / 2 + 1);
      await settle(2);
      expect(api.lists).toBe(lists + 1);
    }
    expect(informer.hasSynced()).toBe(false);
    api.listError = undefined;
    clock.advance(400);
    await settle(2);
    expect(informer.hasSynced()).toBe(true);
  });

  test('after stop nothing changes and nothing is asked any more', async () => {
    api.state = [node('a', 1)];
    await start();
    informer.stop();
    api.handler?.event({ type: 'DELETED', object: node('a', 2) });
    api.handler?.closed();
    clock.advance(100_000);
    await settle(2);
    expect([informer.list().length, api.lists, api.closed, clock.timers]).toEqual([1, 1, 1, 0]);
  });

  test('keeps of an object what the transform leaves', async () => {
    const slim = (object: Node) => ({ ...object, metadata: { ...object.metadata, labels: {} } });
    informer = new Informer({
      kind: 'Node',
      client: api.client,
      clock,
      rng: seededRng(1),
      logger: silentLogger,
      transform: slim,
    });
    api.state = [node('a', 1)];
    await start();
    api.handler?.event({ type: 'ADDED', object: node('b', 2) });
    expect(informer.list().map((object) => object.metadata.labels)).toEqual([{}, {}]);
  });
});

import { beforeEach, expect, test } from 'vitest';
import type { Run } from '../api/index.ts';
import { RiverError, seededRng, silentLogger } from '../base/index.ts';
import type { WatchHandler } from '../client/index.ts';
import { RunCache } from './run-cache.ts';

let lists: { continueFrom?: string; answer: (page: object) => Promise<void>; fail: () => Promise<void> }[];
let watches: { resourceVersion?: string; handler: WatchHandler<Run>; closed: boolean }[];
let timers: (() => void)[];
let delays: number[];
let monotonicMs: number;
let changed: string[];
let cache: RunCache;

const settle = () => new Promise<void>((resolve) => setImmediate(resolve));

beforeEach(() => {
  lists = [];
  watches = [];
  timers = [];
  delays = [];
  monotonicMs = 0;
  changed = [];
  const list = (_kind: string, options: { continue?: string; fieldSelector: string }) => {
    expect(options.fieldSelector).toBe('spec.placement.node=n1');
    return new Promise((resolve, reject) => {
      lists.push({
        continueFrom: options.continue,
        answer: (page) => {
          resolve(page);
          return settle();
        },
        fail: () => {
          reject(new RiverError('ServiceUnavailable', 'away'));
          return settle();
        },
      });
    });
  };
  const watch = (
    _kind: string,
    { resourceVersion }: { resourceVersion: string },
    handler: WatchHandler<Run>,
  ) => {
    const entry = { resourceVersion, handler, closed: false };
    watches.push(entry);
    return {
      close: () => {
        entry.closed = true;
      },
    };
  };
  cache = new RunCache({
    client: { list, watch } as never,
    node: 'n1',
    clock: {
      now: () => 0,
      monotonic: () => monotonicMs,
      nextTurn: (callback) => callback(),
      after: (delayMs, callback, options) => {
        if (!options?.unref) {
          timers.push(callback);
          delays.push(delayMs);
        }
        return { cancel: () => {} };
      },
    },
    rng: seededRng(1),
    logger: silentLogger,
    count: () => {},
    onChange: (uid) => changed.push(uid),
    onSynced: () => changed.push('synced'),
  });
  cache.restart();
});

function aRun(uid: string, resourceVersion: string, phase: 'Running' | 'Succeeded' = 'Running'): Run {
  const spec = {
    task: 't',
    revision: 1,
    ordinal: 0,
    attempt: 0,
    desired: 'Running',
    runtime: 'process',
  } as const;
  return {
    apiVersion: 'river.dev/v1',
    kind: 'Run',
    metadata: { uid, namespace: 'default', name: uid, resourceVersion, labels: { a: 'b' } },
    spec: { ...spec, env: { BIG: 'value' } },
    status: { phase },
  };
}

test('all pages, then a watch from there', async () => {
  await lists[0]!.answer({ items: [aRun('a', '1')], resourceVersion: '5', continue: 'more' });
  expect(cache.synced).toBe(false);
  await lists[1]!.answer({ items: [aRun('b', '2')], resourceVersion: '5' });
  expect(lists[1]!.continueFrom).toBe('more');
  expect(cache.synced).toBe(true);
  expect(changed).toEqual(['a', 'b', 'synced']);
  expect(watches[0]!.resourceVersion).toBe('5');
  watches[0]!.handler.event({ type: 'DELETED', object: aRun('a', '6') });
  expect([...cache.uids()]).toEqual(['b']);
});

test('a list that fails takes nothing away, also half of one', async () => {
  await lists[0]!.answer({ items: [aRun('a', '1')], resourceVersion: '5' });
  watches[0]!.handler.closed(new RiverError('Expired', 'too old'));
  timers[0]!();
  await lists[1]!.answer({ items: [], resourceVersion: '9', continue: 'more' });
  await lists[2]!.fail();
  expect([...cache.uids()]).toEqual(['a']);
  timers[1]!();
  changed = [];
  await lists[3]!.answer({ items: [], resourceVersion: '9' });
  expect(changed).toEqual(['a', 'synced']);
});

test('what an older watch or list still says is not heard, nor what a host before its restore has said', async () => {
  await lists[0]!.answer({ items: [aRun('a', '1')], resourceVersion: '5' });
  cache.restart({ forgetSync: true });
  cache.restart();
  expect(cache.synced).toBe(false);
  watches[0]!.handler.event({ type: 'DELETED', object: aRun('a', '6') });
  await lists[1]!.answer({ items: [], resourceVersion: '7' });
  expect([...cache.uids()]).toEqual([]);
  expect(watches[0]!.closed).toBe(true);
});

test('keeps little of what has ended', async () => {
  await lists[0]!.answer({ items: [aRun('a', '1', 'Succeeded')], resourceVersion: '5' });
  expect(cache.get('a')).toMatchObject({ metadata: { uid: 'a' }, status: { phase: 'Succeeded' } });
  expect(cache.get('a')?.spec.env).toBeUndefined();
  expect(cache.get('a')?.metadata.labels).toBeUndefined();
});

test('knows namesakes', async () => {
  const other = aRun('b', '2');
  const items = [aRun('a', '1'), { ...other, metadata: { ...other.metadata, name: 'a' } }];
  await lists[0]!.answer({ items, resourceVersion: '5' });
  expect(cache.hasNamesake('default', 'a', 'a')).toBe(true);
  expect(cache.hasNamesake('default', 'b', 'b')).toBe(false);
});

test('a watch that is cut at once, again and again, is asked for later each time; one that had lasted is not', async () => {
  for (let round = 0; round < 8; round += 1) {
    await lists[round]!.answer({ items: [], resourceVersion: '5' });
    watches[round]!.handler.event({ type: 'ADDED', object: aRun('a', '6') });
    watches[round]!.handler.closed();
    timers[round]!();
  }
  expect(delays[7]!).toBeGreaterThan(5_000);
  await lists[8]!.answer({ items: [], resourceVersion: '5' });
  monotonicMs += 60_000;
  watches[8]!.handler.closed();
  expect(delays[8]!).toBeLessThan(1_000);
});

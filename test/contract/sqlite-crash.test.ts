import { copyFileSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Rng, realClock, realRng, seededRng, silentLogger } from '../../pkg/base/index.ts';
import { openSqliteStore, type SqliteStore, storeFiles } from '../../pkg/store/index.ts';
import { task } from './objects.ts';

const seeds = [11, 12, 13, 14, 15, 16];

/**
 * What is on disk at any moment must open as a store: with everything acknowledged, or, when the end of the
 * write-ahead log never reached the disk, with a prefix of it.
 */
describe('SqliteStore after a crash', () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'river-crash-'));
  });
  afterEach(() => rmSync(root, { recursive: true }));

  const open = (name: string) =>
    openSqliteStore({ directory: join(root, name), clock: realClock, rng: realRng, logger: silentLogger });

  /** The files as they are now, as the store `name`, with the log cut to `keep` of its bytes. */
  function copyOf(name: string, keep = 1): SqliteStore {
    open(name).abandon();
    for (const file of storeFiles) copyFileSync(join(root, 'live', file), join(root, name, file));
    rmSync(join(root, name, 'river.db-shm'), { force: true });
    const log = join(root, name, 'river.db-wal');
    truncateSync(log, Math.floor(statSync(log).size * keep));
    return open(name);
  }

  /** Writes with several transactions a turn; each has two objects, so that a torn one would show. */
  async function work(store: SqliteStore, rng: Rng, acknowledged: number[]): Promise<void> {
    const writes = Array.from({ length: 1 + rng.below(4) }, async () => {
      const pair = `p${rng.below(20)}`;
      const text = 'x'.repeat(rng.below(3000));
      const second = await store.transact((transaction) => {
        transaction.put(task(`${pair}-a`, { labels: { text } }));
        return transaction.put(task(`${pair}-b`, { labels: { text } }));
      });
      acknowledged.push(second.version);
    });
    await Promise.all(writes);
  }

  async function expectWhole(store: SqliteStore): Promise<void> {
    expect(store.version() % 2).toBe(0);
    const { records } = await store.list('Task');
    const texts = new Map(records.map(({ name, object }) => [name, object.metadata.labels?.text]));
    for (const [name, text] of texts) {
      const twin = name.endsWith('-a') ? name.replace(/a$/, 'b') : name.replace(/b$/, 'a');
      expect(texts.get(twin)).toBe(text);
    }
  }

  test.each(seeds)('seed %i: nothing acknowledged is missing in a copy', async (seed) => {
    const rng = seededRng(seed);
    const store = open('live');
    const acknowledged: number[] = [];
    for (let round = 0; round < 4; round += 1) {
      for (let turn = rng.below(15); turn >= 0; turn -= 1) await work(store, rng, acknowledged);
      const copy = copyOf(`copy${round}`);
      expect(copy.version()).toBe(Math.max(...acknowledged));
      await expectWhole(copy);
      await copy.close();
    }
    await store.close();
  });

  test.each(seeds)('seed %i: a log cut short gives a prefix', async (seed) => {
    const rng = seededRng(seed);
    const store = open('live');
    const acknowledged: number[] = [];
    for (let turn = 0; turn < 25; turn += 1) await work(store, rng, acknowledged);
    const history = new Map<number, string>();
    for (let version = 2; version <= store.version(); version += 2) {
      const { records } = await store.list('Task', { atVersion: version });
      history.set(version, JSON.stringify(records.map(({ json }) => json)));
    }
    let shortened = 0;
    for (let round = 0; round < 6; round += 1) {
      const copy = copyOf(`copy${round}`, 0.3 + 0.7 * rng.next());
      const version = copy.version();
      if (version < store.version()) shortened += 1;
      const { records } = await copy.list('Task');
      expect(JSON.stringify(records.map(({ json }) => json))).toBe(history.get(version) ?? '[]');
      await expectWhole(copy);
      await work(copy, rng, []);
      await copy.close();
    }
    expect(shortened).toBeGreaterThan(0);
    await store.close();
  });

  test('an abandoned store leaves its log and its queue as a killed process does', async () => {
    const store = open('live');
    await store.transact((transaction) => transaction.put(task('one')));
    const log = join(root, 'live', 'river.db-wal');
    const before = readFileSync(log);
    let settled = false;
    const settle = () => {
      settled = true;
    };
    store.transact((transaction) => transaction.put(task('two'))).then(settle, settle);
    store.watch('Task', store.version(), { event: settle, progress: settle, closed: settle });
    store.abandon();
    expect(readFileSync(log).equals(before)).toBe(true);
    const again = open('live');
    await again.transact((transaction) => transaction.put(task('three')));
    expect(again.get('Task', 'default', 'one')).toBeDefined();
    expect(again.get('Task', 'default', 'two')).toBeUndefined();
    expect(settled).toBe(false);
    await again.close();
  });
});

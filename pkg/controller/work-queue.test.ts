import { describe, expect, test } from 'vitest';
import { ManualClock, settle } from '../../test/support/manual-clock.ts';
import { seededRng } from '../base/index.ts';
import type { Result } from './controller.ts';
import { WorkQueue } from './work-queue.ts';

/** A queue whose keys are finished by the test. */
class Bench {
  readonly clock = new ManualClock();
  readonly started: string[] = [];
  readonly failures: string[] = [];
  readonly #finish = new Map<string, { resolve(result?: Result): void; reject(error: Error): void }>();
  readonly queue: WorkQueue;

  constructor(workers = 1) {
    this.queue = new WorkQueue({
      clock: this.clock,
      rng: seededRng(1),
      workers,
      backoff: { baseMs: 100, capMs: 1000 },
      failed: (key) => this.failures.push(key),
      process: (key) => {
        this.started.push(key);
        const { promise, resolve, reject } = Promise.withResolvers<Result | undefined>();
        this.#finish.set(key, { resolve, reject });
        return promise;
      },
    });
  }

  async finish(key: string, result?: Result): Promise<void> {
    this.#finish.get(key)?.resolve(result);
    await settle(1);
  }

  async fail(key: string): Promise<void> {
    this.#finish.get(key)?.reject(new Error('no'));
    await settle(1);
  }

  async add(...keys: string[]): Promise<void> {
    for (const key of keys) this.queue.add(key);
    await settle(1);
  }
}

describe('WorkQueue', () => {
  test('works in order of arrival, on each key once however often it was added', async () => {
    const bench = new Bench();
    bench.queue.start();
    await bench.add('a', 'b', 'a', 'b');
    await bench.finish('a');
    await bench.finish('b');
    expect(bench.started).toEqual(['a', 'b']);
    expect(bench.queue.metrics()).toMatchObject({ depth: 0, active: 0, processed: 2 });
  });

  test('never one key twice at a time; one that was added meanwhile runs once more', async () => {
    const bench = new Bench(4);
    bench.queue.start();
    await bench.add('a');
    await bench.add('a', 'a');
    expect(bench.started).toEqual(['a']);
    await bench.finish('a');
    expect(bench.started).toEqual(['a', 'a']);
    await bench.finish('a');
    expect(bench.started).toEqual(['a', 'a']);
  });

  test('as many keys at a time as there are workers', async () => {
    const bench = new Bench(2);
    bench.queue.start();
    await bench.add('a', 'b', 'c');
    expect(bench.started).toEqual(['a', 'b']);
    await bench.finish('b');
    expect(bench.started).toEqual(['a', 'b', 'c']);
  });

  test('nothing before start, nothing after stop; stop waits for what is in process', async () => {
    const bench = new Bench();
    await bench.add('a', 'b');
    expect(bench.started).toEqual([]);
    bench.queue.start();
    await settle(1);
    let stopped = false;
    void bench.queue.stop().then(() => {
      stopped = true;
    });
    await bench.add('c');
    expect(stopped).toBe(false);
    await bench.finish('a', { requeueAfterMs: 1 });
    expect(stopped).toBe(true);
    expect(bench.started).toEqual(['a']);
    expect(bench.clock.timers).toBe(0);
  });

  test('a key that fails comes back later and later, until it succeeds', async () => {
    const bench = new Bench();
    bench.queue.start();
    await bench.add('a');
    await bench.fail('a');
    bench.clock.advance(49);
    await settle(1);
    expect(bench.started).toHaveLength(1);
    bench.clock.advance(51);
    await settle(1);
    expect(bench.started).toHaveLength(2);
    await bench.fail('a');
    bench.clock.advance(99);
    await settle(1);
    expect(bench.started).toHaveLength(2);
    bench.clock.advance(101);
    await settle(1);
    expect(bench.failures).toHaveLength(2);
    await bench.finish('a');
    bench.clock.advance(10_000);
    await settle(1);
    expect(bench.started).toHaveLength(3);
  });

  test('the answer says when to look again; the last answer counts', async () => {
    const bench = new Bench();
    bench.queue.start();
    await bench.add('a');
    await bench.finish('a', { requeueAfterMs: 1000 });
    await bench.add('a');
    await bench.finish('a');
    bench.clock.advance(5000);
    await settle(1);
    expect(bench.started).toHaveLength(2);
    await bench.add('a');
    await bench.finish('a', { requeueAfterMs: 1000 });
    bench.clock.advance(1000);
    await settle(1);
    expect(bench.started).toHaveLength(4);
  });

  test('of several delays of a key the earliest counts', async () => {
    const bench = new Bench();
    bench.queue.start();
    bench.queue.addAfter('a', 100);
    bench.queue.addAfter('a', 1000);
    bench.queue.addAfter('a', 50);
    bench.clock.advance(50);
    await settle(1);
    expect(bench.started).toEqual(['a']);
    await bench.finish('a');
    bench.clock.advance(1000);
    await settle(1);
    expect(bench.started).toEqual(['a']);
  });
});

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { RiverError, realClock, realRng, silentLogger } from '../../base/index.ts';
import type { TarballIndex } from '../../environment/index.ts';
import type { ImageStore } from '../../executor/index.ts';
import { type Intents, openIntents } from '../intents.ts';
import { Environments, type EnvironmentsParts } from './environments.ts';
import { SharedDirectory } from './shared-directory.ts';
import type { EnvironmentReference, EnvironmentSource } from './source.ts';

const digestOf = (letter: string) => `sha256:${letter.repeat(64)}`;
const a = { name: 'a', digest: digestOf('a') };
const b = { name: 'b', digest: digestOf('b') };
const content = Buffer.alloc(4096, 7);

/** A store in memory that reads what it loads, and waits where a test wants it to. */
class MemoryStore implements ImageStore {
  readonly images = new Set<string>();
  readonly inUse = new Set<string>();
  readonly loads: string[] = [];
  hold: Promise<void> = Promise.resolve();
  failure: RiverError | undefined;
  free: number | undefined;

  probe = async () => ({ ready: true, reason: 'LoadsMissingLayers', message: 'It does.' });
  find = async (_name: string, digest: string) => (this.images.has(digest) ? digest : undefined);
  freeBytes = async () => this.free;

  load: ImageStore['load'] = async (image, source, { signal, onProgress }) => {
    this.loads.push(image.name);
    onProgress({ bytes: 0, totalBytes: 10, layers: 0, totalLayers: 1 });
    await this.hold;
    signal.throwIfAborted();
    if (this.failure) throw this.failure;
    for await (const _chunk of source.read({ offset: 0, size: 10 }, signal));
    this.images.add(image.digest);
    return { bytes: 10, totalBytes: 10, layers: 1, totalLayers: 1 };
  };

  remove = async (_name: string, digest: string) => {
    if (this.inUse.has(digest)) return 'inUse' as const;
    this.images.delete(digest);
    return 'removed' as const;
  };
}

const indexOf = ({ name, digest }: EnvironmentReference): TarballIndex => ({
  ...{ name, digest, size: content.length, builtAt: '2026-01-01T00:00:00Z', configPath: 'c.json' },
  spec: { from: { image: 'x' } },
  entries: [
    { path: 'manifest.json', offset: 0, size: 1 },
    { path: 'c.json', offset: 1, size: 1 },
  ],
  layers: [],
});

const host: EnvironmentSource = {
  index: async (environment) => indexOf(environment),
  bytes: () => ({
    async *read({ offset, size }) {
      yield content.subarray(offset, offset + size);
    },
  }),
};

let folder: string;
let intents: Intents;
let store: MemoryStore;
let needed: EnvironmentReference[];
let opened: Environments[];
let counted: string[];

beforeEach(() => {
  counted = [];
  folder = mkdtempSync(join(tmpdir(), 'river-environments-'));
  intents = openIntents(join(folder, 'runner.db'), realClock);
  store = new MemoryStore();
  needed = [];
  opened = [];
});

afterEach(() => {
  for (const environments of opened) environments.close();
  intents.close();
  rmSync(folder, { recursive: true });
});

function open(more: Partial<EnvironmentsParts> = {}): Environments {
  const environments = new Environments({
    ...{ store, host, intents, clock: realClock, rng: realRng, logger: silentLogger },
    ...{ clusterUid: 'c1', count: (event) => void counted.push(event) },
    settings: { keepUnusedMs: 0, minFreeBytes: 0 },
    needed: () => needed,
    onChanged: () => {},
    ...more,
  });
  opened.push(environments);
  return environments;
}

const quiet = { signal: new AbortController().signal, onProgress: () => {} };

/** Loads stand still until `go` is called. */
function held(): () => void {
  const { promise, resolve } = Promise.withResolvers<void>();
  store.hold = promise;
  return resolve;
}

describe('an environment that Runs need', () => {
  test('is loaded once for all who wait, and everyone sees how far it is', async () => {
    const go = held();
    const environments = open();
    const seen: number[] = [];
    const waiting = Array.from({ length: 20 }, (_none, index) =>
      environments.ensure(a, { signal: quiet.signal, onProgress: () => seen.push(index) }),
    );
    await vi.waitUntil(() => seen.length === 20);
    go();
    expect(await Promise.all(waiting)).toEqual(Array(20).fill(a.digest));
    expect(store.loads).toEqual(['a']);
    expect(intents.environments()).toMatchObject([a]);
    await environments.ensure(a, quiet);
    expect(store.loads).toHaveLength(1);
  });

  test('that was there is not loaded, and is not what the runner has brought', async () => {
    store.images.add(a.digest);
    expect(await open().ensure(a, quiet)).toBe(a.digest);
    expect(store.loads).toEqual([]);
    expect(intents.environments()).toEqual([]);
  });

  test('is loaded again when it was removed behind the back', async () => {
    const environments = open();
    await environments.ensure(a, quiet);
    store.images.clear();
    environments.forget(a);
    await environments.ensure(a, quiet);
    expect(store.loads).toEqual(['a', 'a']);
  });

  test('goes on to load when one of two gives up, and not when nobody waits', async () => {
    const go = held();
    const environments = open();
    const [one, two] = [new AbortController(), new AbortController()];
    const first = environments.ensure(a, { ...quiet, signal: one.signal });
    const second = environments.ensure(a, { ...quiet, signal: two.signal });
    await vi.waitUntil(() => store.loads.length === 1);
    one.abort();
    await expect(first).rejects.toThrow();
    go();
    expect(await second).toBe(a.digest);
    const goOn = held();
    const third = environments.ensure(b, { ...quiet, signal: two.signal });
    await vi.waitUntil(() => store.loads.length === 2);
    two.abort();
    goOn();
    await expect(third).rejects.toThrow();
    await environments.ensure(b, quiet);
    expect(store.loads).toEqual(['a', 'b', 'b']);
  });

  test('that fails is tried again later, not by each who comes', async () => {
    store.failure = new RiverError('ServiceUnavailable', 'no space left on device');
    const environments = open();
    const all = await Promise.allSettled([1, 2, 3].map(() => environments.ensure(a, quiet)));
    expect(all.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
    await expect(environments.ensure(a, quiet)).rejects.toThrow('no space left');
    expect(store.loads).toHaveLength(1);
    store.failure = undefined;
    await vi.waitFor(() => environments.ensure(a, quiet), { timeout: 10_000, interval: 20 });
    expect(store.loads).toHaveLength(2);
    expect(counted).toEqual(['environment_load_failed', 'environment_loaded']);
  });

  test('that the host does not have, or has under another digest, is told', async () => {
    const nothing = open({ host: { ...host, index: async () => undefined } });
    await expect(nothing.ensure(a, quiet)).rejects.toMatchObject({
      transient: true,
      details: { causes: [{ reason: 'EnvironmentUnavailable' }] },
    });
    const other = open({ host: { ...host, index: async () => indexOf(b) } });
    await expect(other.ensure(a, quiet)).rejects.toThrow(`its index is of the digest ${b.digest}`);
    expect(store.loads).toEqual([]);
  });
});

describe('ahead of need', () => {
  test('what the host says is loaded, and the Node shows it', async () => {
    const environments = open();
    environments.offered([
      { ...a, prefetch: true },
      { ...b, prefetch: false },
    ]);
    await vi.waitFor(() => expect(environments.facts().images).toEqual([a]));
    expect(store.loads).toEqual(['a']);
  });

  test('a load gives way to one that a Run waits for', async () => {
    const go = held();
    const environments = open();
    environments.offered([{ ...a, prefetch: true }]);
    await vi.waitUntil(() => store.loads.length === 1);
    const aheadGoes = go;
    const needGoes = held();
    const run = environments.ensure(b, quiet);
    await vi.waitUntil(() => store.loads.length === 2);
    aheadGoes();
    needGoes();
    expect(await run).toBe(b.digest);
    expect(store.images.has(b.digest)).toBe(true);
    await vi.waitUntil(() => store.images.has(a.digest));
  });
});

describe('what is not used any more', () => {
  const settings = { keepUnusedMs: 1, minFreeBytes: 0 };

  async function loaded(...all: EnvironmentReference[]) {
    const first = open();
    for (const environment of all) await first.ensure(environment, quiet);
    // A long time ago, one after the other.
    for (const [index, record] of intents.environments().entries())
      await intents.putEnvironment({ ...record, lastUsedAt: index });
  }

  test('goes after its time, unless a Run or a container needs it or it would come again', async () => {
    const c = { name: 'c', digest: digestOf('c') };
    const d = { name: 'd', digest: digestOf('d') };
    await loaded(a, b, c, d);
    store.images.add(digestOf('e'));
    needed = [a];
    store.inUse.add(b.digest);
    const environments = open({ settings });
    environments.offered([{ ...c, prefetch: true }]);
    environments.start();
    await vi.waitUntil(() => !store.images.has(d.digest));
    expect([...store.images]).toEqual([a, b, c].map(({ digest }) => digest).concat(digestOf('e')));
    await vi.waitFor(() => expect(intents.environments().map(({ name }) => name)).toEqual(['a', 'b', 'c']));
  });

  test('goes at any age when the disk is full, as far as it must', async () => {
    await loaded(a, b);
    store.free = 50;
    const remove = store.remove;
    store.remove = async (name, digest) => {
      store.free = 200;
      return remove(name, digest);
    };
    open({ settings: { keepUnusedMs: 0, minFreeBytes: 100 } }).start();
    await vi.waitUntil(() => store.images.size === 1);
    expect([...store.images]).toEqual([b.digest]);
  });

  test('does not come where it cannot be put on record: nobody would remove it again', async () => {
    const full = new RiverError('ServiceUnavailable', 'the disk is full');
    vi.spyOn(intents, 'putEnvironment').mockRejectedValueOnce(full);
    const environments = open({});
    await expect(environments.ensure(a, quiet)).rejects.toThrow('the disk is full');
    expect(store.loads).toEqual([]);
  });

  test('stays while it is not known what Runs need', async () => {
    await loaded(a);
    const environments = open({ settings, needed: () => undefined });
    environments.start();
    await vi.waitUntil(() => environments.facts().images.length === 1);
    expect(store.images.has(a.digest)).toBe(true);
  });
});

describe('the shared directory', () => {
  test('counts when it has the mark of the cluster and can be written', async () => {
    const shared = new SharedDirectory(folder, 'n1');
    expect(await shared.check('c1')).toMatchObject({ ready: false, reason: 'NotTheSame' });
    writeFileSync(join(folder, '.river-cluster'), 'other\n');
    expect(await shared.check('c1')).toMatchObject({ reason: 'NotTheSame', message: /of the cluster other/ });
    writeFileSync(join(folder, '.river-cluster'), 'c1\n');
    expect(await shared.check('c1')).toMatchObject({ ready: true });
    writeFileSync(join(folder, 'logs-is-a-file'), '');
    rmSync(join(folder, 'logs'), { recursive: true });
    writeFileSync(join(folder, 'logs'), '');
    expect(await shared.check('c1')).toMatchObject({ ready: false, reason: 'NotWritable' });
  });

  test('that is another one is not read, and one that lacks the file is asked before the host', async () => {
    const shared = new SharedDirectory(folder, 'n1');
    const environments = open({ shared });
    await environments.ensure(a, quiet);
    mkdirSync(join(folder, 'environments'));
    const asked = vi.fn(async () => undefined);
    writeFileSync(join(folder, '.river-cluster'), 'c1\n');
    writeFileSync(join(folder, 'environments', `b-${'b'.repeat(12)}.json`), JSON.stringify(indexOf(b)));
    writeFileSync(join(folder, 'environments', `b-${'b'.repeat(12)}.tar`), content);
    await open({ shared, host: { ...host, index: asked } }).ensure(b, quiet);
    expect(asked).not.toHaveBeenCalled();
  });
});

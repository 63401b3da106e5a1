import { describe, expect, test } from 'vitest';
import type { ApiObject, Kind } from '../../pkg/api/index.ts';
import { hasCode, RiverError, type Rng, seededRng } from '../../pkg/base/index.ts';
import type { ListOptions, Store, Transaction } from '../../pkg/store/index.ts';
import { Model } from './model.ts';
import { run } from './objects.ts';
import { recordWatch, until, type WatchRecorder } from './recorder.ts';
import type { OpenStore, StoreHarness } from './store.ts';

const seeds = [1, 2, 3, 4, 5, 6, 7, 8];
const steps = 120;

/** Random work on the store and on the model, from a seed; after each step both must say the same. */
export function modelChecks(name: string, open: OpenStore): void {
  describe(`${name} against the model`, () => {
    test.each(seeds)('seed %i', async (seed) => {
      const harness = await open();
      try {
        await new ModelCheck(harness, seededRng(seed)).play(steps);
      } finally {
        await harness.dispose();
      }
    });
  });
}

interface Write {
  type: 'put' | 'delete';
  kind: Kind;
  key: string;
  object: ApiObject;
  expect: number | undefined;
}

interface Work {
  writes: Write[];
  /** Gives up after its writes. */
  fails: boolean;
}

/** What a transaction saw: versions of its writes, and a list in the midst of them. */
interface Trace {
  versions: number[];
  lists: string[][];
}

const kinds: Kind[] = ['Run', 'Task'];
const namespaces = ['a', 'a-b', 'b'];
const names = ['x', 'x-1', 'y', 'z', 'zz', 'x.y'];

export class ModelCheck {
  readonly model = new Model();
  readonly #harness: StoreHarness;
  readonly #rng: Rng;
  #watches: { kind: Kind; from: number; recorder: WatchRecorder }[] = [];

  constructor(harness: StoreHarness, rng: Rng) {
    this.#harness = harness;
    this.#rng = rng;
  }

  async play(amount: number): Promise<void> {
    for (let step = 0; step < amount; step += 1) await this.step();
    await this.checkWatches();
    for (const { recorder } of this.#watches) recorder.close();
  }

  async step(): Promise<void> {
    const dice = this.#rng.below(100);
    if (dice < 50) await this.write();
    else if (dice < 60) this.#checkGets();
    else if (dice < 75) await this.#checkList();
    else if (dice < 87) this.#openWatch();
    else if (dice < 92) await this.#compact();
    else if (dice < 96) await this.checkWatches();
    else await this.#restart(dice < 98 ? 'reopen' : 'crash');
  }

  get #store(): Store {
    return this.#harness.store;
  }

  /** Several transactions that share a turn; the model then replays them in the same order. */
  async write(): Promise<void> {
    const works = Array.from({ length: 1 + this.#rng.below(5) }, () => this.#work());
    const outcomes = await Promise.allSettled(
      works.map((work) => this.#store.transact((transaction) => perform(transaction, work))),
    );
    for (const [index, outcome] of outcomes.entries()) {
      const { lists } = this.#replay(works[index] as Work, outcome);
      if (outcome.status === 'fulfilled') expect(outcome.value.lists).toEqual(lists);
    }
    expect(this.#store.version()).toBe(this.model.version());
  }

  #replay(work: Work, outcome: PromiseSettledResult<Trace>): { lists: string[][] } {
    const before = this.model.version();
    const lists: string[][] = [];
    let refusal: string | undefined;
    for (const [index, write] of work.writes.entries()) {
      refusal = this.model.refusal(write.kind, write.key, write.type, write.expect);
      if (refusal) break;
      const version =
        outcome.status === 'fulfilled' ? (outcome.value.versions[index] ?? 0) : this.model.version() + 0.001;
      if (outcome.status === 'fulfilled') expect(version).toBeGreaterThan(this.model.version());
      this.model.write(write.kind, write.key, version, write.type === 'put' ? write.object : undefined);
      lists.push(this.model.list(write.kind, {}));
    }
    if (!refusal && work.fails) refusal = 'Invalid';
    if (refusal) this.model.cut(before);
    const found = outcome.status === 'fulfilled' ? undefined : (outcome.reason as RiverError).code;
    expect(found).toBe(refusal);
    return { lists };
  }

  #work(): Work {
    return {
      writes: Array.from({ length: 1 + this.#rng.below(4) }, () => this.#randomWrite()),
      fails: this.#rng.below(8) === 0,
    };
  }

  #randomWrite(): Write {
    const kind = this.#pick(kinds);
    const namespace = this.#pick(namespaces);
    const name = this.#pick(names);
    const key = `${namespace}/${name}`;
    const phase = this.#pick([undefined, 'Running', 'Lost', 'Succeeded', 'Failed', 'Stopped']);
    const made = run(name, { namespace, phase, ...this.#randomSelection() });
    const present = this.model.at(kind).get(key)?.version;
    const expected = this.#pick([undefined, undefined, 0, present, present, this.model.version()]);
    return {
      type: this.#rng.below(4) === 0 ? 'delete' : 'put',
      kind,
      key,
      object: { ...made, kind },
      expect: expected,
    };
  }

  #randomSelection(): { labels?: Record<string, string>; owner?: string; node?: string } {
    const labels: Record<string, string> = {};
    if (this.#rng.below(2)) labels.a = this.#pick(['1', '2']);
    if (this.#rng.below(3) === 0) labels.b = '1';
    const owner = this.#rng.below(2) ? this.#pick(['u1', 'u2']) : undefined;
    return { labels, owner, node: this.#rng.below(2) ? this.#pick(['n1', 'n2']) : undefined };
  }

  #checkGets(): void {
    const kind = this.#pick(kinds);
    const present = this.model.at(kind);
    for (const namespace of namespaces) {
      for (const name of names) {
        const found = this.#store.get(kind, namespace, name);
        expect(found?.version).toBe(present.get(`${namespace}/${name}`)?.version);
      }
    }
  }

  async #checkList(): Promise<void> {
    const kind = this.#pick(kinds);
    const { labels, owner, node } = this.#randomSelection();
    const selection: ListOptions = {
      labels: this.#rng.below(2) ? labels : undefined,
      ownerUid: this.#rng.below(3) ? undefined : owner,
      // Only Runs are found by node.
      node: kind === 'Run' && this.#rng.below(3) === 0 ? node : undefined,
      active: this.#pick([undefined, false, true]),
      namespace: this.#pick([undefined, ...namespaces]),
    };
    if (selection.node === undefined) selection.active = undefined;
    const version = this.#rng.below(2) ? this.#store.version() : this.#knownVersion();
    const limit = this.#pick([undefined, 1, 2, 5]);
    const found: string[] = [];
    let next: string | undefined;
    do {
      const page = await this.#store.list(kind, {
        ...selection,
        atVersion: version,
        limit,
        continueFrom: next,
      });
      expect(page.version).toBe(version);
      expect(page.records.length).toBeLessThanOrEqual(limit ?? Number.POSITIVE_INFINITY);
      found.push(...page.records.map((each) => `${each.namespace}/${each.name}@${each.version}`));
      next = page.next;
      // Writes between the pages must not show.
      if (next && this.#rng.below(3) === 0) await this.write();
    } while (next);
    expect(found).toEqual(this.model.list(kind, selection, version));
  }

  #knownVersion(): number {
    const floor = this.#store.floor();
    return floor + this.#rng.below(this.#store.version() - floor + 1);
  }

  #openWatch(): void {
    const kind = this.#pick(kinds);
    const from = this.#knownVersion();
    this.#watches.push({ kind, from, recorder: recordWatch(this.#store, kind, from) });
  }

  /** Each watch has seen exactly what the model says, in order, with the right state before. */
  async checkWatches(): Promise<void> {
    for (const { kind, from, recorder } of this.#watches) {
      await until(() => recorder.position() >= this.#store.version());
      expect(recorder.errors).toEqual([]);
      const wanted = this.model.events.filter((event) => event.kind === kind && event.version > from);
      const found = recorder.events.map(
        ({ type, record }) => `${type} ${record.namespace}/${record.name}@${record.version}`,
      );
      expect(found).toEqual(wanted.map((event) => `${event.type} ${event.key}@${event.version}`));
      for (const { type, record, previous } of recorder.events) {
        const before = this.model.at(kind, record.version - 1).get(`${record.namespace}/${record.name}`);
        expect(previous?.version).toBe(type === 'ADDED' ? undefined : before?.version);
      }
    }
  }

  async #compact(): Promise<void> {
    const version = this.#knownVersion();
    const below = version - 1;
    await this.#store.compact(version);
    expect(this.#store.floor()).toBe(version);
    if (below < 0) return;
    const expired = await this.#store.list('Task', { atVersion: below }).catch((error: unknown) => error);
    expect(hasCode(expired, 'Expired')).toBe(true);
  }

  async #restart(how: 'reopen' | 'crash'): Promise<void> {
    await this.checkWatches();
    const floor = this.#store.floor();
    await this.#harness[how]();
    this.#watches = [];
    expect(this.#store.version()).toBe(this.model.version());
    expect(this.#store.floor()).toBe(floor);
    for (const kind of kinds) {
      const { records } = await this.#store.list(kind);
      const found = records.map(({ namespace, name, version }) => `${namespace}/${name}@${version}`);
      expect(found).toEqual(this.model.list(kind, {}));
    }
  }

  #pick<T>(choices: readonly T[]): T {
    return choices[this.#rng.below(choices.length)] as T;
  }
}

function perform(transaction: Transaction, work: Work): Trace {
  const trace: Trace = { versions: [], lists: [] };
  for (const { type, kind, key, object, expect: expected } of work.writes) {
    const [namespace = '', name = ''] = key.split('/');
    const record =
      type === 'put'
        ? transaction.put(object, expected)
        : transaction.delete(kind, namespace, name, expected);
    trace.versions.push(record.version);
    trace.lists.push(transaction.list(kind).map((each) => `${each.namespace}/${each.name}@${each.version}`));
  }
  if (work.fails) throw new RiverError('Invalid', 'gives up');
  return trace;
}

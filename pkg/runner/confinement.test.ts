import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Run } from '../api/index.ts';
import { realClock, silentLogger } from '../base/index.ts';
import { FakeExecutor, FakeMachine, type FakeOperation } from '../executor/fake/index.ts';
import type { Topology } from '../topology/index.ts';
import { Confinement } from './confinement.ts';
import { type Intents, openIntents } from './intents.ts';

const topology: Topology = {
  cpus: { online: '0-3', allocatable: '0-3', isolated: '', cores: ['0', '1', '2', '3'] },
  ...{ numa: [], gpus: [], usage: [], problems: [] },
};

let folder: string;
let intents: Intents;
let machine: FakeMachine;
let runs: Map<string, Run>;
let asked: FakeOperation[];
let fails: 'before' | undefined;
let meanwhile: (() => void) | undefined;
/** What the answer to a move waits for. */
let answer: () => Promise<void>;
let warnings: string[];
let confinement: Confinement;
/** What each was on when its program began. */
let begun: { uid: string; cpus: string | undefined }[];
let beforeStart: () => Promise<void>;
let told: { uid: string; cpus: string; problem?: string }[];

function open(): Confinement {
  const inject = (operation: FakeOperation) => {
    asked.push(operation);
    if (operation === 'confine') meanwhile?.();
    return operation === 'confine' ? fails : undefined;
  };
  const executor = new FakeExecutor({ machine, runtime: 'process', clock: realClock, inject });
  const confine = executor.confine.bind(executor);
  executor.confine = async (uid, cpus) => {
    await confine(uid, cpus);
    await answer();
  };
  const cache = { get: (uid: string) => runs.get(uid), uids: () => runs.keys(), synced: true };
  const runtimes = { executor: () => executor };
  const logger = { ...silentLogger, warn: (message: string) => void warnings.push(message) };
  const onConfined = (uid: string, cpus: string, problem?: string) => void told.push({ uid, cpus, problem });
  const parts = { cache, intents, runtimes, topology: () => topology, onConfined };
  return new Confinement({ ...parts, clock: realClock, logger });
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'river-confinement-'));
  intents = openIntents(join(folder, 'intents.db'), realClock);
  machine = new FakeMachine(realClock);
  runs = new Map();
  asked = [];
  told = [];
  begun = [];
  beforeStart = async () => {};
  fails = undefined;
  meanwhile = undefined;
  answer = async () => {};
  warnings = [];
  confinement = open();
});

afterEach(() => {
  confinement.close();
  intents.close();
  rmSync(folder, { recursive: true });
});

async function bind(uid: string, placement: Partial<NonNullable<Run['spec']['placement']>> = {}) {
  const { spec } = { spec: { task: 't', revision: 1, ordinal: 0, attempt: 1, desired: 'Run' } };
  const run = { metadata: { uid, name: uid, namespace: 'default' }, spec: { ...spec, placement } };
  runs.set(uid, { apiVersion: 'river.dev/v1', kind: 'Run', ...run } as unknown as Run);
  confinement.changed(uid);
  const paths = { outPath: '/o', errPath: '/e' };
  const intent = { uid, namespace: 'default', name: uid, runtime: 'process' as const, epoch: 'e1' };
  await intents.put({ ...intent, ...paths, startBootId: machine.bootId });
  const binding = placement.cpus === undefined ? {} : { cpus: placement.cpus };
  await confinement.starting(uid, async (sharedCpus) => {
    await beforeStart();
    machine.start('process', {
      ...{ runUid: uid, namespace: 'default', runName: uid, clusterUid: 'c', runtime: 'process' },
      ...{ command: ['for:ever'], env: {}, mounts: [], privileged: false, milliCores: 0, memoryBytes: 0 },
      ...paths,
      ...binding,
      ...(sharedCpus === undefined ? {} : { sharedCpus }),
    });
    begun.push({ uid, cpus: cpus()[uid] });
  });
}

function unbind(uid: string): void {
  runs.delete(uid);
  confinement.changed(uid);
}

const cpus = () => Object.fromEntries(machine.bindings().map((each) => [each.runUid, each.cpus]));

test('nobody is asked for anything while no CPU is pinned', async () => {
  await bind('a');
  await bind('b', { cpus: '0-1' });
  await confinement.look();
  expect(asked).toEqual([]);
});

test('others have left its CPUs before a pinned run starts, come to the rest, and get all back', async () => {
  await bind('a');
  await bind('p', { cpus: '1-2', pinned: true });
  expect(cpus()).toEqual({ a: '0,3', p: '1-2' });
  await bind('b');
  expect(cpus()).toEqual({ a: '0,3', b: '0,3', p: '1-2' });
  unbind('p');
  await confinement.look();
  expect(cpus()).toMatchObject({ a: '0-3', b: '0-3' });
  asked = [];
  await confinement.look();
  expect(asked).toEqual([]);
});

test('who comes later begins on what nobody has pinned, and is not moved', async () => {
  await bind('p', { cpus: '1-2', pinned: true });
  await bind('a');
  await bind('n', { cpus: '2-3' });
  expect(begun).toEqual([
    { uid: 'p', cpus: '1-2' },
    { uid: 'a', cpus: '0,3' },
    { uid: 'n', cpus: '3' },
  ]);
  unbind('p');
  await confinement.look();
  expect(cpus()).toMatchObject({ a: '0-3', n: '2-3' });
});

test('a pinned run begins after one whose start was under way when the pin came has been moved', async () => {
  const [reached, held] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  beforeStart = () => {
    reached.resolve();
    return held.promise;
  };
  const slow = bind('a');
  await reached.promise;
  beforeStart = async () => {};
  const pinned = bind('p', { cpus: '1-2', pinned: true }).then(() => cpus());
  for (let look = 0; look < 20; look += 1) await confinement.look();
  expect(begun).toEqual([]);
  held.resolve();
  await slow;
  expect(await pinned).toEqual({ a: '0,3', p: '1-2' });
  expect(begun.map(({ uid }) => uid)).toEqual(['a', 'p']);
});

test('pins that go while one is started beside them: it gets all CPUs', async () => {
  await bind('p', { cpus: '1-2', pinned: true });
  beforeStart = async () => {
    unbind('p');
    await confinement.look();
  };
  await bind('a');
  expect(begun.at(-1)).toEqual({ uid: 'a', cpus: '0,3' });
  expect(cpus()).toMatchObject({ a: '0-3' });
});

test('a runner that comes after the pin has gone gives back', async () => {
  await bind('a');
  await bind('p', { cpus: '1-2', pinned: true });
  confinement.close();
  runs.delete('p');
  confinement = open();
  await confinement.look();
  expect(cpus()).toMatchObject({ a: '0-3' });
});

test('a move that fails holds up no start, and is tried again', async () => {
  fails = 'before';
  await bind('a');
  await bind('p', { cpus: '1-2', pinned: true });
  expect(cpus()).toEqual({ a: undefined, p: '1-2' });
  fails = undefined;
  await confinement.look();
  expect(cpus()).toMatchObject({ a: '0,3' });
});

test('what was moved off pins that went in that very moment gets all back', async () => {
  await bind('a');
  meanwhile = () => {
    meanwhile = undefined;
    unbind('p');
  };
  await bind('p', { cpus: '1-2', pinned: true });
  await confinement.look();
  await confinement.look();
  expect(cpus()).toMatchObject({ a: '0-3' });
});

const many = Array.from({ length: 30 }, (_, index) => `a${index}`);
const moves = () => asked.filter((operation) => operation === 'confine').length;

test('with many beside them, a start asks for no more moves than it needs', async () => {
  for (const uid of many) await bind(uid);
  await bind('p', { cpus: '1', pinned: true });
  expect(moves()).toBe(many.length);
  asked = [];
  await bind('b');
  expect(moves()).toBe(1);
  // Away from the other pin, and from all others.
  for (const uid of many) unbind(uid);
  await bind('c', { cpus: '0' });
  asked = [];
  await bind('q', { cpus: '2', pinned: true });
  expect([moves(), cpus().b]).toEqual([1, '0,3']);
});

test('a look at many, each of which takes long, holds up no start of a pinned run', async () => {
  for (const uid of many) await bind(uid);
  await bind('p', { cpus: '1', pinned: true });
  asked = [];
  const held = Promise.withResolvers<void>();
  // Two rounds of eight: the one that is under way, and the one after it.
  answer = async () => (moves() > 16 ? held.promise : undefined);
  const look = confinement.look();
  await confinement.starting('p', async () => {});
  expect(warnings).toEqual([]);
  held.resolve();
  await look;
  expect(moves()).toBe(many.length);
});

test('a look finds who was moved by somebody else', async () => {
  await bind('a');
  await bind('p', { cpus: '1-2', pinned: true });
  machine.confine('a', '1');
  await confinement.look();
  expect(cpus()).toMatchObject({ a: '0,3' });
});

test('a move that has failed is tried again before a pinned run starts', async () => {
  await bind('a');
  fails = 'before';
  await bind('p', { cpus: '1', pinned: true });
  fails = undefined;
  await bind('q', { cpus: '1', pinned: true });
  expect(cpus()).toMatchObject({ a: '0,2-3' });
});

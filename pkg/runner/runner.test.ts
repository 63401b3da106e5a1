import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { checkRunTransition, type Node, type Run, type RunStatus } from '../api/index.ts';
import { type Clock, RiverError, seededRng, silentLogger } from '../base/index.ts';
import type { Client, Heartbeat, WatchHandler } from '../client/index.ts';
import {
  FakeExecutor,
  type FakeExecutorOptions,
  FakeMachine,
  type FakeOperation,
} from '../executor/fake/index.ts';
import type { Topology } from '../topology/index.ts';
import { RunnerCounters } from './counters.ts';
import { type Intents, openIntents } from './intents.ts';
import { Runner } from './runner.ts';

/** Stands still until it is told to go on. */
class ManualClock implements Clock {
  time = 0;
  #timers: { at: number; callback: () => void; cancelled: boolean }[] = [];
  #turns: (() => void)[] = [];

  now = () => Date.parse('2026-11-22T10:00:00Z') + this.time;
  monotonic = () => this.time;
  nextTurn = (callback: () => void) => {
    this.#turns.push(callback);
  };
  after = (delayMs: number, callback: () => void) => {
    const timer = { at: this.time + delayMs, callback, cancelled: false };
    this.#timers.push(timer);
    return {
      cancel: () => {
        timer.cancelled = true;
      },
    };
  };

  async advance(ms: number): Promise<void> {
    const until = this.time + ms;
    for (;;) {
      await new Promise((resolve) => setImmediate(resolve));
      const turns = this.#turns.splice(0);
      for (const turn of turns) turn();
      if (turns.length > 0) continue;
      const next = this.#timers.filter((timer) => !timer.cancelled).sort((a, b) => a.at - b.at)[0];
      if (!next || next.at > until) break;
      this.#timers = this.#timers.filter((timer) => timer !== next && !timer.cancelled);
      this.time = Math.max(this.time, next.at);
      next.callback();
    }
    this.time = until;
  }
}

const pullFailed = new RiverError('ServiceUnavailable', 'the registry does not answer', {
  causes: [{ message: 'timeout', reason: 'ImagePullFailed' }],
});
const notFound = () => new RiverError('NotFound', 'there is no such object');

/** As much of the API as a runner sees, with its checks. */
class FakeHost {
  readonly runs = new Map<string, Run>();
  readonly writes: string[] = [];
  node: Node | undefined;
  clusterUid = 'c1';
  epoch = 'e1';
  version = '0.1.0';
  reachable = true;
  /** What a list answers in place of what is there: a host that has lost its mind. */
  listed: Run[] | undefined;
  events: string[] = [];
  /** As the last heartbeat told them. */
  counters: Heartbeat['counters'] = {};
  #version = 10;
  #watchers = new Set<WatchHandler<Run>>();

  put(run: Run): Run {
    this.#version += 1;
    const next = { ...run, metadata: { ...run.metadata, resourceVersion: String(this.#version) } };
    this.runs.set(run.metadata.name ?? '', next);
    for (const watcher of this.#watchers) watcher.event({ type: 'MODIFIED', object: next });
    return next;
  }

  change(name: string, change: (run: Run) => Partial<Run>): void {
    const run = this.run(name);
    this.put({ ...run, ...change(run) });
  }

  forget(name: string): void {
    const object = this.run(name);
    this.runs.delete(name);
    for (const watcher of this.#watchers) watcher.event({ type: 'DELETED', object });
  }

  breakWatches(): void {
    for (const watcher of [...this.#watchers]) {
      this.#watchers.delete(watcher);
      watcher.closed();
    }
  }

  run(name: string): Run {
    const run = this.runs.get(name);
    if (!run) throw notFound();
    return run;
  }

  status(name: string): RunStatus | undefined {
    return this.run(name).status;
  }

  client(): Client {
    const guarded =
      <A extends unknown[], T>(work: (...args: A) => T) =>
      async (...args: A): Promise<T> => {
        if (!this.reachable) throw new RiverError('ServiceUnavailable', 'the host cannot be reached');
        return work(...args);
      };
    const client = {
      version: guarded(() => ({
        gitVersion: `v${this.version}+river`,
        epoch: this.epoch,
        clusterUid: this.clusterUid,
      })),
      get: guarded((kind: string, _namespace: string, name: string) => {
        if (kind === 'Run') return this.run(name);
        if (!this.node) throw notFound();
        return this.node;
      }),
      create: guarded((kind: string, object: Node & { reason: string }) => {
        if (kind === 'Event') this.events.push(object.reason);
        else this.node = { ...object, metadata: { ...object.metadata, resourceVersion: '1' } };
        return object;
      }),
      list: guarded(() => ({
        items: this.listed ?? [...this.runs.values()],
        resourceVersion: String(this.#version),
      })),
      watch: (_kind: string, _options: object, handler: WatchHandler<Run>) => {
        this.#watchers.add(handler);
        return { close: () => this.#watchers.delete(handler) };
      },
      patch: guarded(
        (kind: string, _namespace: string, name: string, patch: { status?: never; metadata?: never }) =>
          kind === 'Node' ? this.#patchNode(patch) : this.#patchRun(name, patch),
      ),
      heartbeat: guarded((_name: string, { session, counters = {} }: Heartbeat) => {
        if (!this.node) throw notFound();
        this.counters = counters;
        if (this.node.status?.session !== session) throw new RiverError('Conflict', 'another session');
        const { epoch, clusterUid, version } = this;
        return { leaseMs: 30_000, epoch, clusterUid, version, ready: true };
      }),
    };
    return client as unknown as Client;
  }

  #patchNode({ status, metadata }: { status?: Node['status']; metadata?: Node['metadata'] }): Node {
    if (!this.node) throw notFound();
    this.#version += 1;
    this.writes.push('node');
    const labels = { ...this.node.metadata.labels, ...metadata?.labels };
    this.node = {
      ...this.node,
      metadata: { ...this.node.metadata, labels, resourceVersion: String(this.#version) },
      status: { ...this.node.status, ...status },
    };
    return this.node;
  }

  #patchRun(name: string, patch: { status?: RunStatus; metadata?: { uid?: string } }): Run {
    const run = this.run(name);
    const conflict = (message: string) => new RiverError('Conflict', message);
    if (run.metadata.uid !== patch.metadata?.uid) throw conflict('another uid');
    if (patch.status?.session !== this.node?.status?.session) throw conflict('another session');
    const from = run.status?.phase ?? 'Pending';
    const to = patch.status?.phase ?? from;
    const identity = { role: 'node' as const, name: 'n1' };
    const refusal = checkRunTransition({ from, to, identity, runNode: run.spec.placement?.node });
    if (refusal) throw conflict(refusal);
    this.writes.push(`${name} ${patch.status?.conditions?.[0]?.type ?? to}`);
    const next = { ...run, status: { ...run.status, ...patch.status } as RunStatus };
    if (to !== 'Pending') return this.put(next);
    const { placement: _placement, ...spec } = run.spec;
    this.forget(name);
    this.runs.delete(name);
    return { ...next, spec };
  }
}

let folder: string;
let clock: ManualClock;
let host: FakeHost;
const topology: Topology = {
  cpus: { online: '0-3', allocatable: '0-3', isolated: '', cores: ['0', '1', '2', '3'] },
  numa: [{ id: 0, cpus: '0-3', memory: 1e9, distances: [10] }],
  ...{ gpus: [], usage: [], problems: [] },
};

let machine: FakeMachine;
let intents: Intents;
let removed: string[];
let ensured: string[];
let ended: RiverError[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'river-runner-'));
  clock = new ManualClock();
  host = new FakeHost();
  machine = new FakeMachine(clock);
  intents = openIntents(join(folder, 'intents.db'), clock);
  removed = [];
  ensured = [];
  ended = [];
});

afterEach(() => {
  intents.close();
  rmSync(folder, { recursive: true });
});

let seed = 0;
type More = Pick<FakeExecutorOptions, 'inject' | 'latencyMs' | 'prepareError'>;

function startRunner(more: More = {}): Runner {
  seed += 1;
  const settings = {
    name: 'n1',
    labels: { zone: 'a' },
    reserved: { cores: 1, memoryBytes: 0 },
    runtimes: ['process', 'docker'] as const,
    localTempDir: '/temp',
    logDir: '/logs',
    stopGraceMs: 1000,
    addresses: [],
    gpuDevices: {},
  };
  const runner = new Runner({
    settings,
    client: host.client(),
    executors: () =>
      settings.runtimes.map((runtime) => new FakeExecutor({ machine, runtime, clock, ...more })),
    intents,
    machine: {
      facts: () => ({ cores: 4, memoryBytes: 1e9, versions: { river: '0.1.0' } }),
      topology: async () => topology,
      usage: () => ({}),
    },
    readBootId: () => machine.bootId,
    folders: { ensureFolder: (path) => ensured.push(path), removeFile: (path) => removed.push(path) },
    clock,
    rng: seededRng(seed),
    logger: silentLogger,
    counters: new RunnerCounters(),
    onEnded: (error) => ended.push(error),
  });
  runner.start();
  return runner;
}

function submit(name: string, words: string[], spec: Partial<Run['spec']> = {}): void {
  host.put({
    apiVersion: 'river.dev/v1',
    kind: 'Run',
    metadata: { uid: `uid-${name}`, namespace: 'default', name },
    spec: {
      task: 't',
      revision: 1,
      ordinal: 0,
      attempt: 0,
      desired: 'Running',
      runtime: 'process',
      command: ['sim', ...words],
      placement: { node: 'n1' },
      ...spec,
    },
    status: { phase: 'Scheduled' },
  });
}

const remove = (name: string) =>
  host.change(name, (run) => ({
    metadata: { ...run.metadata, deletionTimestamp: '2026-11-22T10:00:00.000Z' },
    spec: { ...run.spec, desired: 'Stopped' },
  }));

const startsOf = (name: string) => machine.starts.get(`uid-${name}`) ?? 0;

describe('the life of a run', () => {
  test('starts, reports, removes, and then writes no more', async () => {
    startRunner();
    submit('a', ['for:5s', 'exit:3']);
    await clock.advance(100);
    expect(host.status('a')).toMatchObject({ phase: 'Running', log: { out: '/logs/default/a.out' } });
    await clock.advance(5000);
    expect(host.status('a')).toMatchObject({ phase: 'Failed', reason: 'NonZeroExit', exitCode: 3 });
    expect(machine.executions()).toEqual([]);
    expect(host.writes.filter((write) => write !== 'node')).toEqual(['a Running', 'a Failed']);
    const before = host.writes.length;
    await clock.advance(600_000);
    expect(host.writes).toHaveLength(before);
    expect(host.events).toEqual(['Started', 'NonZeroExit']);
  });

  test('a short one: only what matters is written', async () => {
    startRunner();
    await clock.advance(100);
    submit('a', []);
    submit('b', ['no-start:CommandNotFound'], { runtime: 'docker' });
    submit('c', [], { runtime: 'docker', image: 'missing' });
    await clock.advance(100);
    expect(host.status('a')).toMatchObject({ phase: 'Succeeded', reason: 'Completed', exitCode: 0 });
    expect(host.status('b')).toMatchObject({ phase: 'Failed', reason: 'CommandNotFound' });
    expect(host.status('c')).toMatchObject({ phase: 'Failed', reason: 'ImageNotFound' });
  });

  test('a pull that fails is told once, tried again, and over when the image comes', async () => {
    let registryAway = true;
    const prepareError = () => (registryAway ? pullFailed : undefined);
    startRunner({ prepareError });
    submit('a', ['for:ever'], { runtime: 'docker', image: 'x:1' });
    await clock.advance(60_000);
    expect(host.status('a')).toMatchObject({
      phase: 'Preparing',
      reason: 'ImagePullFailed',
      message: 'the registry does not answer',
    });
    expect(host.writes.filter((write) => write !== 'node')).toEqual(['a Preparing']);
    expect(host.events).toEqual(['ImagePullFailed']);
    const { prepare_failed: failed = 0, run_backed_off: backedOff } = host.counters ?? {};
    expect(failed).toBeGreaterThan(5);
    expect(backedOff).toBe(failed);
    registryAway = false;
    await clock.advance(20_000);
    expect(host.status('a')).toMatchObject({ phase: 'Running', message: '' });
    expect(host.counters).toMatchObject({ start_failed: 0, report_refused: 0 });
  });

  test('a registry that stays away ends the run, not at once and not never', async () => {
    startRunner({ prepareError: () => pullFailed });
    submit('a', [], { runtime: 'docker', image: 'x:1' });
    await clock.advance(9 * 60_000);
    expect(host.status('a')?.phase).toBe('Preparing');
    await clock.advance(2 * 60_000);
    expect(host.status('a')).toMatchObject({ phase: 'Failed', reason: 'ImagePullFailed' });
    expect(startsOf('a')).toBe(0);
  });

  test('a disk that refuses the records: the run waits, says why, and starts when there is space', async () => {
    startRunner();
    await clock.advance(100);
    const full = new RiverError('ServiceUnavailable', 'the runner cannot write its records');
    const put = vi.spyOn(intents, 'put').mockRejectedValue(full);
    submit('a', ['for:ever']);
    await clock.advance(30_000);
    expect(host.status('a')).toMatchObject({ phase: 'Scheduled', message: full.message });
    expect(startsOf('a')).toBe(0);
    put.mockRestore();
    await clock.advance(20_000);
    expect(host.status('a')).toMatchObject({ phase: 'Running', message: '' });
    expect(startsOf('a')).toBe(1);
  });

  test('an engine that does not answer is told once in the run that waits for it, and no more when it begins', async () => {
    let away = true;
    startRunner({ inject: () => (away ? 'before' : undefined) });
    await clock.advance(100);
    submit('a', ['for:ever'], { runtime: 'docker', image: 'x:1', target: 'n1' });
    await clock.advance(600_000);
    expect(host.status('a')).toMatchObject({
      phase: 'Scheduled',
      reason: 'NotReachable',
      message: 'The simulated engine does not answer.',
    });
    expect(host.writes.filter((write) => write !== 'node')).toEqual(['a Scheduled']);
    away = false;
    await clock.advance(20_000);
    expect(host.status('a')).toMatchObject({ phase: 'Running', message: '' });
    expect(startsOf('a')).toBe(1);
  });

  test('a pause that fails shows, is tried again later each time, and shows no more when it is over', async () => {
    let [broken, tries] = [true, 0];
    const inject = (operation: FakeOperation) => {
      if (operation !== 'pause') return undefined;
      tries += 1;
      return broken ? ('before' as const) : undefined;
    };
    startRunner({ inject });
    submit('a', ['for:ever']);
    await clock.advance(1_000);
    host.change('a', (run) => ({ spec: { ...run.spec, desired: 'Paused' } }));
    await clock.advance(120_000);
    expect(host.status('a')).toMatchObject({
      phase: 'Running',
      reason: 'PauseFailed',
      message: expect.stringContaining('the simulated engine does not answer'),
    });
    expect(host.events.filter((reason) => reason === 'PauseFailed')).toHaveLength(1);
    expect(tries).toBeGreaterThan(10);
    expect(tries).toBeLessThan(40);
    host.change('a', (run) => ({ spec: { ...run.spec, desired: 'Running' } }));
    await clock.advance(1_000);
    expect(host.status('a')).toMatchObject({ phase: 'Running', message: '' });
    host.change('a', (run) => ({ spec: { ...run.spec, desired: 'Paused' } }));
    await clock.advance(1_000);
    broken = false;
    await clock.advance(20_000);
    expect(host.status('a')).toMatchObject({ phase: 'Paused', reason: 'Paused', message: '' });
  });

  test('stops with grace, by order and by deadline', async () => {
    startRunner();
    submit('a', ['for:ever', 'ignore-term']);
    submit('b', ['for:ever'], { timeout: '30s' });
    await clock.advance(10_000);
    host.change('a', (run) => ({ spec: { ...run.spec, desired: 'Stopped' } }));
    await clock.advance(900);
    expect(host.status('a')?.phase).toBe('Running');
    await clock.advance(200);
    expect(host.status('a')).toMatchObject({ phase: 'Stopped', signal: 'SIGKILL' });
    await clock.advance(20_000);
    expect(host.status('b')).toMatchObject({ phase: 'Failed', reason: 'DeadlineExceeded' });
  });

  test('deletion: stopped, removed, confirmed, forgotten', async () => {
    startRunner();
    submit('a', ['for:ever']);
    await clock.advance(1000);
    remove('a');
    await clock.advance(1000);
    expect(host.writes.slice(-2)).toEqual(['a Stopped', 'a TornDown']);
    expect(machine.executions()).toEqual([]);
    expect(removed).toContain('/logs/default/a.out');
    expect(intents.uids()).toEqual(['uid-a']);
    host.forget('a');
    await clock.advance(1000);
    expect(intents.uids()).toEqual([]);
  });

  test('refuses what may not run here', async () => {
    startRunner();
    await clock.advance(100);
    submit('a', [], { runtime: 'systemd' as never });
    await clock.advance(100);
    expect(host.runs.size).toBe(0);
    expect(host.writes.at(-1)).toBe('a Pending');
    expect(host.events).toEqual(['Refused']);
  });
});

describe('faults', () => {
  test('a restarted runner adopts what runs and collects what ended', async () => {
    const first = startRunner();
    submit('a', ['for:60s']);
    submit('b', ['for:10s', 'exit:7']);
    await clock.advance(1000);
    await first.stop();
    await clock.advance(20_000);
    ensured = [];
    startRunner();
    await clock.advance(1000);
    // Where the output goes on, whoever has removed it meanwhile.
    expect(ensured).toContain('/logs/default');
    expect(host.status('b')).toMatchObject({ phase: 'Failed', exitCode: 7 });
    expect(host.status('a')?.phase).toBe('Running');
    await clock.advance(60_000);
    expect(host.status('a')?.phase).toBe('Succeeded');
    expect([startsOf('a'), startsOf('b')]).toEqual([1, 1]);
  });

  test('a reboot', async () => {
    const first = startRunner();
    submit('a', ['for:60s']);
    await clock.advance(1000);
    await first.stop();
    machine.reboot();
    startRunner();
    await clock.advance(1000);
    expect(host.status('a')).toMatchObject({ phase: 'Failed', reason: 'NodeRestarted' });
    expect(startsOf('a')).toBe(1);
  });

  test('an engine that loses answers: one start, and the end is known', async () => {
    const lossy = seededRng(7);
    const inject = () => (lossy.next() < 0.4 ? (lossy.next() < 0.5 ? 'before' : 'after') : undefined);
    startRunner({ inject, latencyMs: () => 20 });
    for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) submit(name, ['for:1s'], { runtime: 'docker' });
    await clock.advance(400_000);
    for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) {
      expect(startsOf(name)).toBe(1);
      expect(host.status(name)?.phase).toBe('Succeeded');
    }
    expect(machine.executions()).toEqual([]);
  });

  test('a host away for hours stops nothing and hears the end once', async () => {
    startRunner();
    submit('a', ['for:60s']);
    await clock.advance(1000);
    host.reachable = false;
    host.breakWatches();
    await clock.advance(7_200_000);
    expect(host.writes.filter((write) => write.startsWith('a'))).toEqual(['a Running']);
    host.reachable = true;
    await clock.advance(30_000);
    expect(host.writes.filter((write) => write.startsWith('a'))).toEqual(['a Running', 'a Succeeded']);
    expect(machine.executions()).toEqual([]);
  });

  test('Lost while it ran on: reported again', async () => {
    startRunner();
    submit('a', ['for:60s']);
    await clock.advance(1000);
    host.change('a', (run) => ({ status: { ...run.status, phase: 'Lost' } }));
    await clock.advance(1000);
    expect(host.status('a')?.phase).toBe('Running');
  });

  test('a host restored from a backup: what it forgot is left alone, what ended is told again', async () => {
    startRunner();
    submit('a', ['for:ever']);
    submit('b', []);
    await clock.advance(1000);
    const b = host.run('b');
    host.runs.clear();
    host.epoch = 'e2';
    submit('b', []);
    expect(host.status('b')?.phase).toBe('Scheduled');
    host.breakWatches();
    await clock.advance(120_000);
    expect(host.status('b')).toMatchObject({ phase: 'Succeeded', finishedAt: b.status?.finishedAt });
    expect(startsOf('b')).toBe(1);
    expect(machine.executions()).toMatchObject([{ runUid: 'uid-a', state: 'running' }]);
    expect(host.node?.status?.conditions).toContainEqual(
      expect.objectContaining({
        type: 'Quarantined',
        status: 'True',
        message: expect.stringContaining('default/a'),
      }),
    );
  });

  test('a Run that is gone from the host is stopped, but only when asked directly', async () => {
    startRunner();
    submit('a', ['for:ever']);
    await clock.advance(1000);
    host.forget('a');
    await clock.advance(5000);
    expect(machine.executions()).toEqual([]);
    expect(intents.uids()).toEqual([]);
  });
});

describe('the session', () => {
  test('makes the Node and shows the machine', async () => {
    startRunner();
    await clock.advance(1000);
    expect(host.node).toMatchObject({
      metadata: { name: 'n1', labels: { zone: 'a' } },
      status: {
        capacity: { cores: 4 },
        allocatable: { cores: 3 },
        runtimes: ['process', 'docker'],
        bootId: 'boot-1',
      },
    });
    const types = host.node?.status?.conditions?.map((condition) => `${condition.type}=${condition.status}`);
    expect(types?.sort()).toEqual([
      'DockerReady=True',
      'ProcessReady=True',
      'Ready=True',
      'TopologyReady=True',
    ]);
  });

  test('a runtime that stops working shows, and shows again when it works', async () => {
    let broken = true;
    startRunner({ inject: (operation) => (operation === 'probe' && broken ? 'before' : undefined) });
    await clock.advance(15_000);
    expect(host.node?.status?.runtimes).toEqual([]);
    broken = false;
    await clock.advance(15_000);
    expect(host.node?.status?.runtimes).toEqual(['process', 'docker']);
  });

  test('makes the Node again when it was deleted', async () => {
    startRunner();
    await clock.advance(1000);
    host.node = undefined;
    await clock.advance(20_000);
    expect(host.node).toMatchObject({ status: { bootId: 'boot-1' } });
  });

  test('stops acting when a newer runner of its name has taken over', async () => {
    startRunner();
    await clock.advance(1000);
    const second = startRunner();
    await clock.advance(60_000);
    expect(ended.map((error) => error.message)).toEqual([
      expect.stringContaining('another runner has taken over'),
    ]);
    expect(host.node?.status?.session).toBe(second.session);
  });

  test('is another one for a restored host: what was sent to the one before may come late', async () => {
    startRunner();
    await clock.advance(1000);
    const before = host.node?.status?.session;
    host.epoch = 'e2';
    await clock.advance(20_000);
    expect(host.node?.status?.session).not.toBe(before);
    submit('a', []);
    await clock.advance(1000);
    expect(host.status('a')).toMatchObject({ phase: 'Succeeded', session: host.node?.status?.session });
    expect(ended).toEqual([]);
  });

  test('a report that is refused for its session makes it look at once', async () => {
    startRunner();
    submit('a', ['for:3s']);
    await clock.advance(1000);
    startRunner();
    await clock.advance(3000);
    expect(host.status('a')?.phase).toBe('Succeeded');
    expect(ended).toHaveLength(1);
  });

  test('refuses the host of another cluster', async () => {
    const first = startRunner();
    await clock.advance(1000);
    await first.stop();
    host.clusterUid = 'c2';
    const writes = host.writes.length;
    startRunner();
    await clock.advance(5000);
    expect(ended.map((error) => error.message)).toEqual([
      expect.stringContaining('belongs to the cluster c1'),
    ]);
    expect(host.writes).toHaveLength(writes);
  });

  test('its records are for its owner only', () => {
    expect(statSync(join(folder, 'intents.db')).mode & 0o777).toBe(0o600);
  });
});

describe('versions', () => {
  const conditions = () =>
    host.node?.status?.conditions
      ?.filter(({ type }) => ['Ready', 'VersionSkew'].includes(type))
      .map(({ type, status, reason }) => `${type}=${status} ${reason}`);

  test('too far from the host: the Node says so from the first write on, and what runs goes on', async () => {
    host.version = '0.3.0';
    startRunner();
    submit('a', ['for:5s']);
    await clock.advance(100);
    expect(conditions()).toEqual(['Ready=False VersionSkew', 'VersionSkew=True TooFarApart']);
    await clock.advance(10_000);
    expect(host.status('a')?.phase).toBe('Succeeded');
  });

  test('a host that is upgraded under a runner: told by its next answer, and taken back by another', async () => {
    startRunner();
    await clock.advance(100);
    expect(conditions()).toEqual(['Ready=True RunnerReady']);
    host.version = '0.2.0';
    await clock.advance(20_000);
    expect(conditions()).toEqual(['Ready=True RunnerReady']);
    host.version = '0.3.0';
    await clock.advance(20_000);
    expect(conditions()).toEqual(['Ready=False VersionSkew', 'VersionSkew=True TooFarApart']);
    host.version = '0.2.1';
    await clock.advance(20_000);
    expect(conditions()).toEqual(['Ready=True RunnerReady', 'VersionSkew=False Compatible']);
  });
});

describe('what a host answers is not read as "remove everything"', () => {
  test('an empty list, while the host still has the Runs when it is asked for them', async () => {
    startRunner();
    submit('a', ['for:ever']);
    await clock.advance(1000);
    host.listed = [];
    host.breakWatches();
    await clock.advance(120_000);
    expect(machine.executions()).toMatchObject([{ runUid: 'uid-a', state: 'running' }]);
    host.listed = undefined;
    host.breakWatches();
    await clock.advance(60_000);
    expect(host.status('a')?.phase).toBe('Running');
    expect(startsOf('a')).toBe(1);
  });

  test('a list that is older than what was seen: nothing is started again, nothing is stopped', async () => {
    startRunner();
    submit('a', ['for:ever']);
    const old = host.run('a');
    submit('b', []);
    await clock.advance(1000);
    host.listed = [old];
    host.breakWatches();
    await clock.advance(120_000);
    expect([startsOf('a'), startsOf('b')]).toEqual([1, 1]);
    expect(machine.executions()).toMatchObject([{ runUid: 'uid-a', state: 'running' }]);
    expect(host.status('b')?.phase).toBe('Succeeded');
  });

  test('an empty host of another epoch: all is left alone, also when its watch says that a Run is deleted', async () => {
    startRunner();
    submit('a', ['for:ever']);
    await clock.advance(1000);
    host.epoch = 'e0';
    host.forget('a');
    await clock.advance(120_000);
    expect(machine.executions()).toMatchObject([{ runUid: 'uid-a', state: 'running' }]);
  });
});

test('what is still to be told of a Run that never ran is the last word, also for a host that was restored meanwhile', async () => {
  let isAway = true;
  startRunner({ inject: (operation) => (isAway && operation === 'inspect' ? 'before' : undefined) });
  submit('a', ['for:ever']);
  await clock.advance(1000);
  host.change('a', (run) => ({ spec: { ...run.spec, desired: 'Stopped' } }));
  await clock.advance(1000);
  host.reachable = false;
  isAway = false;
  await clock.advance(20_000);
  host.breakWatches();
  host.epoch = 'e2';
  host.change('a', (run) => ({ spec: { ...run.spec, desired: 'Running' } }));
  host.reachable = true;
  await clock.advance(60_000);
  expect([host.status('a')?.phase, startsOf('a')]).toEqual(['Stopped', 0]);
});

describe('the clean-up after a fence', () => {
  const fence = () => {
    const node = host.node as Node;
    host.node = { ...node, spec: { ...node.spec, fencedAt: '2026-11-22T11:00:00.000Z' } };
    host.change('a', (run) => ({ status: { ...run.status, phase: 'Failed', reason: 'Fenced' } }));
  };
  const ready = () => host.node?.status?.conditions?.find(({ type }) => type === 'Ready')?.status;

  async function fencedWhileAway(): Promise<void> {
    const first = startRunner();
    submit('a', ['for:ever', 'ignore-term']);
    await clock.advance(1000);
    await first.stop();
    fence();
  }

  test('is not over before the machine is clean, and a runner that dies in the middle is followed by one that finishes', async () => {
    await fencedWhileAway();
    const second = startRunner();
    await clock.advance(500);
    expect([ready(), host.node?.status?.cleanedUpFor]).toEqual(['False', undefined]);
    await second.stop();
    expect(machine.executions()).toMatchObject([{ runUid: 'uid-a', state: 'running' }]);
    startRunner();
    await clock.advance(500);
    expect([ready(), host.node?.status?.cleanedUpFor]).toEqual(['False', undefined]);
    await clock.advance(60_000);
    expect(machine.executions()).toEqual([]);
    expect(host.node?.status?.cleanedUpFor).toBe('2026-11-22T11:00:00.000Z');
    expect(startsOf('a')).toBe(1);
  });

  test('goes on when the host dies in the middle, and is told when it is back', async () => {
    await fencedWhileAway();
    startRunner();
    await clock.advance(500);
    host.reachable = false;
    host.breakWatches();
    await clock.advance(120_000);
    expect(host.node?.status?.cleanedUpFor).toBeUndefined();
    host.reachable = true;
    await clock.advance(60_000);
    expect([ready(), host.node?.status?.cleanedUpFor]).toEqual(['False', '2026-11-22T11:00:00.000Z']);
    expect(machine.executions()).toEqual([]);
  });

  test('is not over before a start of the runner before it, which may be on its way, is called off', async () => {
    const first = startRunner({ latencyMs: (operation) => (operation === 'start' ? 1e9 : 0) });
    submit('a', ['for:ever']);
    await clock.advance(1000);
    await first.stop();
    fence();
    let isAway = true;
    const asked: FakeOperation[] = [];
    startRunner({
      inject: (operation) => {
        asked.push(operation);
        return operation === 'stop' && isAway ? 'before' : undefined;
      },
    });
    await clock.advance(60_000);
    expect([machine.executions(), host.node?.status?.cleanedUpFor]).toEqual([[], undefined]);
    isAway = false;
    await clock.advance(60_000);
    expect(asked).toContain('stop');
    expect(host.node?.status?.cleanedUpFor).toBe('2026-11-22T11:00:00.000Z');
  });

  test('a Node that was deleted after its fence is made again, and not Ready before its machine is clean', async () => {
    await fencedWhileAway();
    host.node = undefined;
    const second = startRunner();
    await clock.advance(500);
    expect(ready()).toBe('False');
    await second.stop();
    startRunner();
    await clock.advance(200);
    expect([ready(), machine.executions().length]).toEqual(['False', 1]);
    await clock.advance(60_000);
    expect([ready(), machine.executions().length]).toEqual(['True', 0]);
  });

  test('a Node that was deleted while its Runs are alive is made again, and Ready while they go on', async () => {
    startRunner();
    submit('a', ['for:ever']);
    await clock.advance(1000);
    host.node = undefined;
    await clock.advance(60_000);
    expect([ready(), machine.executions().length]).toEqual(['True', 1]);
  });
});

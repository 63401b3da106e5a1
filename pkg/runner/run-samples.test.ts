import { beforeEach, expect, test } from 'vitest';
import type { RunPhase, Runtime } from '../api/index.ts';
import { silentLogger } from '../base/index.ts';
import type { LiveUsage } from '../executor/index.ts';
import { LiveValues } from './live-values.ts';
import { RunSamples } from './run-samples.ts';
import { TopologyWatch } from './topology-watch.ts';

let nowMs: number;
let runs: Map<string, { phase: RunPhase; runtime: Runtime }>;
let usages: Map<string, LiveUsage>;
let asked: string[][];
let samples: RunSamples;
const clock = { monotonic: () => nowMs } as never;

beforeEach(() => {
  nowMs = 1000;
  runs = new Map();
  usages = new Map();
  asked = [];
  const cache = {
    uids: () => runs.keys(),
    get: (uid: string) => {
      const { phase, runtime } = runs.get(uid) ?? {};
      return { spec: { runtime }, status: { phase } } as never;
    },
  };
  const usage = async (uids: readonly string[]) => {
    asked.push([...uids]);
    return new Map([...usages].filter(([uid]) => uids.includes(uid)));
  };
  samples = new RunSamples({
    cache,
    clock,
    executor: (runtime) => (runtime === 'process' ? { usage } : undefined),
  });
});

const put = (uid: string, cpuSeconds: number | undefined, phase: RunPhase = 'Running') => {
  runs.set(uid, { phase, runtime: 'process' });
  usages.set(uid, { ...(cpuSeconds === undefined ? {} : { cpuSeconds }), memoryUsed: 7 });
};

test('cores are what was used since the look before; the first look knows none', async () => {
  put('a', 10);
  put('paused', 3, 'Paused');
  put('unmeasured', undefined);
  put('over', 9, 'Succeeded');
  runs.set('elsewhere', { phase: 'Running', runtime: 'docker' });
  expect(await samples.look()).toEqual(['a', 'paused', 'unmeasured'].map((uid) => ({ uid, memoryUsed: 7 })));
  nowMs += 4000;
  put('a', 12);
  expect(await samples.look()).toEqual([
    { uid: 'a', cores: 0.5, memoryUsed: 7 },
    { uid: 'paused', cores: 0, memoryUsed: 7 },
    { uid: 'unmeasured', memoryUsed: 7 },
  ]);
  expect(asked).toEqual([
    ['a', 'paused', 'unmeasured'],
    ['a', 'paused', 'unmeasured'],
  ]);
});

test('sums that go back are no use below zero; what was away for a look begins anew', async () => {
  put('a', 10);
  await samples.look();
  nowMs += 1000;
  put('a', 9);
  expect(await samples.look()).toMatchObject([{ cores: 0 }]);
  usages.clear();
  expect(await samples.look()).toEqual([]);
  put('a', 20);
  nowMs += 1000;
  expect((await samples.look())[0]).not.toHaveProperty('cores');
});

test('a thousand at the most, those that compute most', async () => {
  for (let index = 0; index < 1500; index += 1) put(`r${index}`, 0);
  await samples.look();
  nowMs += 1000;
  for (let index = 0; index < 1500; index += 1) put(`r${index}`, index / 1500);
  const found = await samples.look();
  expect(found).toHaveLength(1000);
  expect(found.map(({ uid }) => uid)).toContain('r1499');
  expect(found.map(({ uid }) => uid)).not.toContain('r490');
});

test('heartbeats that follow each other closer than a rate means anything show the same values', async () => {
  put('a', 0);
  let fails = false;
  const live = new LiveValues({
    machine: {
      usage: () => {
        if (nowMs > 4000) throw new Error('no /proc');
        return { cores: nowMs / 1000 };
      },
    },
    ...{ clock, logger: silentLogger },
    gpus: () => [{ uuid: 'g', utilization: 5 }],
    runs: async () => {
      if (fails) throw new Error('no');
      return samples.look();
    },
  });
  const gpus = [{ uuid: 'g', utilization: 5 }];
  expect(await live.now()).toEqual({ cores: 1, runs: [{ uid: 'a', memoryUsed: 7 }], gpus });
  nowMs += 100;
  put('a', 50);
  expect(await live.now()).toEqual({ cores: 1, runs: [{ uid: 'a', memoryUsed: 7 }], gpus });
  nowMs += 900;
  expect(await live.now()).toMatchObject({ cores: 2, runs: [{ cores: 50 }] });
  fails = true;
  nowMs += 1000;
  expect(await live.now()).toEqual({ cores: 3, gpus });
  nowMs += 5000;
  expect(await live.now()).toEqual({ gpus });
});

test('what a driver in trouble has said before is no live value any more', async () => {
  const topology = { cpus: {}, numa: [], gpus: [], usage: [{ uuid: 'g', utilization: 5 }], problems: [] };
  const watch = new TopologyWatch({
    machine: { topology: async () => topology as never },
    clock: { monotonic: () => nowMs, after: () => ({ cancel: () => {} }) } as never,
    ...{ logger: silentLogger, onChange: () => {} },
  });
  expect(watch.usage()).toEqual([]);
  watch.start();
  await Promise.resolve();
  await Promise.resolve();
  expect(watch.usage()).toEqual(topology.usage);
  nowMs += 20_001;
  expect(watch.usage()).toEqual([]);
});

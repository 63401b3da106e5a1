import { expect, test } from 'vitest';
import type { Observed, Run, RunStatus } from '../api/index.ts';
import type { Execution, ExecutionSpec } from '../executor/index.ts';
import { differencesOf, lookAfterMs, observedReport } from './observed.ts';

const now = Date.parse('2026-11-25T10:00:00Z');
const given: ExecutionSpec = {
  ...{ runUid: 'u', namespace: 'lab', runName: 'r', clusterUid: 'c', runtime: 'process' },
  ...{ env: {}, mounts: [], privileged: false, milliCores: 0, memoryBytes: 0, outPath: '/o', errPath: '/e' },
};
const execution = (observed?: Observed): Execution => ({
  ...{ runUid: 'u', namespace: 'lab', runName: 'r', state: 'running', startedAt: now - 500 },
  ...(observed ? { observed } : {}),
});
const run = (status: Partial<RunStatus> = {}) =>
  ({ status: { phase: 'Running', ...status } }) as unknown as Run;
const bound = { ...given, cpus: '2-3', memoryNodes: '1' };

test.each<[string, Partial<ExecutionSpec>, Observed, RegExp[]]>([
  ['nothing was asked', {}, { cpus: '0-3', memoryNodes: '0-1' }, []],
  ['as asked', { cpus: '2-3', memoryNodes: '1' }, { cpus: '2-3', memoryNodes: '1' }, []],
  ['the program took less', { cpus: '2-3' }, { cpus: '3' }, []],
  ['more CPUs', { cpus: '2-3' }, { cpus: '0-3' }, [/on CPUs 0-3, and was given 2-3/]],
  ['more memory nodes', { memoryNodes: '1' }, { memoryNodes: '0-1' }, [/NUMA nodes 0-1, .* be on 1/]],
  ['the limit in whole pages', { memoryBytes: 50_000_001 }, { memory: 49_999_872 }, []],
  ['no limit', { memoryBytes: 1024 ** 3 }, {}, [/no limit of memory, and was given 1Gi/]],
  ['another limit', { memoryBytes: 1024 ** 2 }, { memory: 1024 ** 3 }, [/a limit of 1/]],
  ['its GPUs', { gpus: [{ index: 1, uuid: 'GPU-b' }] }, { gpus: ['GPU-b'] }, []],
  [
    'another GPU',
    { gpus: [{ index: 1, uuid: 'GPU-b' }] },
    { gpus: ['GPU-a'] },
    [/GPUs GPU-a, .* GPUs GPU-b/],
  ],
  ['no GPU', { gpus: [{ index: 1, uuid: 'GPU-b' }] }, {}, [/no GPU, and was given GPUs GPU-b/]],
  ['a GPU that it should not have', {}, { gpus: ['GPU-b'] }, [/GPUs GPU-b, and was given no GPU/]],
])('%s', (_name, asked, observed, sentences) => {
  const found = differencesOf({ ...given, ...asked }, observed);
  expect(found).toEqual(sentences.map((sentence) => expect.stringMatching(sentence)));
});

test('device nodes are what a container is made with; a process is told the UUID', () => {
  const gpus = [{ index: 0, uuid: 'amd-0', devices: ['/dev/kfd', '/dev/dri/renderD128'] }];
  const docker = { ...given, runtime: 'docker' as const, gpus };
  expect(differencesOf(docker, { gpus: ['/dev/dri/renderD128', '/dev/kfd'] })).toEqual([]);
  expect(differencesOf({ ...docker, runtime: 'process' }, { gpus: ['amd-0'] })).toEqual([]);
});

test('told once, and again when it has changed; what is gone is taken away', () => {
  const observed = { cpus: '2-3', memoryNodes: '1' };
  expect(observedReport(run(), bound, execution(observed), undefined, now)).toEqual({ observed });
  expect(observedReport(run({ observed }), bound, execution(observed), undefined, now)).toEqual({});
  const shown = { ...observed, memory: 4096 };
  const report = observedReport(run({ observed: shown }), bound, execution(observed), undefined, now);
  expect(report.observed).toEqual({ ...observed, memory: null });
});

test('a difference is a condition, which is over when the difference is', () => {
  const wide = { cpus: '0-3', memoryNodes: '1' };
  const { conditions } = observedReport(run(), bound, execution(wide), undefined, now);
  expect(conditions).toEqual([
    expect.objectContaining({ type: 'ResourcesBound', status: 'False', reason: 'NotAsGiven' }),
  ]);
  const told = run({ observed: wide, conditions });
  expect(observedReport(told, bound, execution(wide), undefined, now + 1000)).toEqual({});
  const narrow = observedReport(told, bound, execution({ ...wide, cpus: '2' }), undefined, now);
  expect(narrow.conditions).toEqual([expect.objectContaining({ status: 'True' })]);
});

test('a move that failed is a difference, in one sentence', () => {
  const observed = { cpus: '0-3' };
  const problem = 'It could not be moved to CPUs 0: no taskset.';
  const { conditions } = observedReport(run({ observed }), given, execution(observed), problem, now);
  expect(conditions?.[0]?.message).toBe(problem);
});

test('what cannot be seen yet is looked for again, for a while', () => {
  expect(lookAfterMs(execution(), now)).toBe(1000);
  expect(lookAfterMs(execution({ cpus: '0' }), now)).toBeUndefined();
  expect(lookAfterMs(execution(), now + 60_000)).toBeUndefined();
  // The clock was set back since its start.
  expect(lookAfterMs(execution(), now - 3_600_000)).toBeUndefined();
});

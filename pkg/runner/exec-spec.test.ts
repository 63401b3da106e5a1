import { expect, test } from 'vitest';
import type { Run } from '../api/index.ts';
import { executionSpec } from './exec-spec.ts';

const settings = { name: 'n1', sharedDir: '/nfs', localTempDir: '/tmp/river', logDir: '/nfs/logs' };

function aRun(spec: Partial<Run['spec']>): Run {
  return {
    apiVersion: 'river.dev/v1',
    kind: 'Run',
    metadata: { uid: 'u', namespace: 'lab', name: 'train-1-0' },
    spec: {
      task: 'train',
      revision: 1,
      ordinal: 2,
      attempt: 0,
      desired: 'Running',
      runtime: 'docker',
      ...spec,
    },
  };
}

test('docker: the machine-wide folders are mounted, and only the data part of the shared one', () => {
  const spec = executionSpec(aRun({ image: 'i', mounts: ['/data:/data:ro'] }), settings, 'c');
  expect(spec.mounts).toEqual([
    { source: '/nfs/shared_data', target: '/shared', readOnly: false },
    { source: '/tmp/river', target: '/local_temp', readOnly: false },
    { source: '/data', target: '/data', readOnly: true },
  ]);
  expect(spec).toMatchObject({
    workingDir: '/shared',
    clusterUid: 'c',
    runUid: 'u',
    image: 'i',
    privileged: false,
  });
  expect(spec.outPath).toBe('/nfs/logs/lab/train-1-0.out');
  expect(spec.env).toEqual({
    RIVER_TASK: 'train',
    RIVER_RUN: 'train-1-0',
    RIVER_NAMESPACE: 'lab',
    RIVER_RUN_INDEX: '2',
    RIVER_NODE: 'n1',
    RIVER_CPUS: '0',
    RIVER_SHARED_DIR: '/shared',
    RIVER_LOCAL_TEMP_DIR: '/local_temp',
  });
});

test("the run's own mount wins at the same target, and its own variables win", () => {
  const spec = executionSpec(
    aRun({ mounts: ['/else:/shared'], env: { RIVER_NODE: 'mine', A: 'b' } }),
    settings,
    'c',
  );
  expect(spec.mounts.filter((mount) => mount.target === '/shared')).toEqual([
    { source: '/else', target: '/shared', readOnly: false },
  ]);
  expect(spec.env).toMatchObject({ RIVER_NODE: 'mine', A: 'b', RIVER_TASK: 'train' });
});

test('process: paths of the machine, nothing mounted, a working directory of its own', () => {
  const spec = executionSpec(aRun({ runtime: 'process', command: ['true'] }), settings, 'c');
  expect(spec.mounts).toEqual([]);
  expect(spec.workingDir).toBeUndefined();
  expect(spec.env).toMatchObject({
    RIVER_SHARED_DIR: '/nfs/shared_data',
    RIVER_LOCAL_TEMP_DIR: '/tmp/river',
  });
});

test('nothing shared: no such folder, mount or variable', () => {
  const { sharedDir: _sharedDir, ...alone } = settings;
  const spec = executionSpec(aRun({}), alone, 'c');
  expect(spec.env.RIVER_SHARED_DIR).toBeUndefined();
  expect(spec.workingDir).toBeUndefined();
  expect(spec.mounts.map((mount) => mount.target)).toEqual(['/local_temp']);
});

test('limits are exact', () => {
  const spec = executionSpec(aRun({ resources: { cores: 0.5, memory: '512M' } }), settings, 'c');
  expect(spec).toMatchObject({ milliCores: 500, memoryBytes: 512_000_000 });
  expect(spec.env.RIVER_CPUS).toBe('0.5');
});

test('what nobody can start is Invalid', () => {
  expect(() => executionSpec(aRun({ mounts: ['nonsense'] }), settings, 'c')).toThrow('SOURCE:TARGET');
});

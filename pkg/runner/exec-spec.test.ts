import { expect, test } from 'vitest';
import type { Run } from '../api/index.ts';
import { executionSpec } from './exec-spec.ts';

const settings = {
  name: 'n1',
  sharedDir: '/nfs',
  localTempDir: '/tmp/river',
  logDir: '/nfs/logs',
  gpuDevices: { 'amd-0': ['/dev/kfd'] },
};

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
    RIVER_CORES: '0',
    RIVER_CPUS: '',
    RIVER_NUMA_NODES: '',
    RIVER_GPUS: '',
    NVIDIA_VISIBLE_DEVICES: 'void',
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
  expect(spec.env.RIVER_CORES).toBe('0.5');
});

test('what nobody can start is Invalid', () => {
  expect(() => executionSpec(aRun({ mounts: ['nonsense'] }), settings, 'c')).toThrow('SOURCE:TARGET');
});

test('a run gets what the binding has written: CPUs, memory and GPUs, also in its variables', () => {
  const placement = {
    ...{ node: 'n1', cpus: '0-3', pinned: true, numaNodes: [1, 0] },
    gpus: [
      { index: 2, uuid: 'GPU-a' },
      { index: 5, uuid: 'amd-0' },
    ],
  };
  const docker = executionSpec(aRun({ placement }), settings, 'c');
  expect(docker).toMatchObject({ cpus: '0-3', memoryNodes: '0-1' });
  expect(docker.gpus).toEqual([
    { index: 2, uuid: 'GPU-a' },
    { index: 5, uuid: 'amd-0', devices: ['/dev/kfd'] },
  ]);
  expect(docker.env).toMatchObject({ RIVER_CPUS: '0-3', RIVER_NUMA_NODES: '0-1', RIVER_GPUS: '2,5' });
  expect(docker.env).not.toHaveProperty('NVIDIA_VISIBLE_DEVICES');
  const plain = executionSpec(aRun({ placement, runtime: 'process' }), settings, 'c');
  expect(plain.env.CUDA_VISIBLE_DEVICES).toBe('GPU-a,amd-0');
  expect(executionSpec(aRun({ runtime: 'systemd' }), settings, 'c').env.CUDA_VISIBLE_DEVICES).toBe('');
});

import { expect, test } from 'vitest';
import type { ExecutionSpec } from '../index.ts';
import { createOptions } from './create-options.ts';

const spec: ExecutionSpec = {
  ...{ runUid: 'u', namespace: 'lab', runName: 'r', clusterUid: 'c', runtime: 'docker', image: 'i' },
  ...{ env: {}, mounts: [], privileged: false, milliCores: 1500, memoryBytes: 1001 },
  ...{ outPath: '/o', errPath: '/e' },
};
const hostConfig = (more: Partial<ExecutionSpec>) =>
  createOptions({ ...spec, ...more }, { bootId: 'b', scriptPath: '/s', init: true }).HostConfig;

test('a run that is bound to nothing asks for nothing', () => {
  const asked = hostConfig({});
  expect(asked).toMatchObject({ NanoCpus: 1.5e9, Memory: 1001 });
  for (const name of ['CpusetCpus', 'CpusetMems', 'DeviceRequests', 'Devices'])
    expect(asked).not.toHaveProperty(name);
});

test('it begins on those of its CPUs that nobody has pinned', () => {
  expect(hostConfig({ cpus: '0-3', sharedCpus: '2-3' })).toMatchObject({ CpusetCpus: '2-3' });
});

test('CPUs, memory, GPUs by UUID, and device nodes of others', () => {
  const gpus = [
    { index: 0, uuid: 'GPU-a' },
    { index: 1, uuid: 'amd-0', devices: ['/dev/kfd'] },
    { index: 2, uuid: 'amd-1', devices: ['/dev/kfd', '/dev/dri/renderD128'] },
  ];
  expect(hostConfig({ cpus: '0-1', memoryNodes: '0', gpus })).toMatchObject({
    ...{ CpusetCpus: '0-1', CpusetMems: '0' },
    DeviceRequests: [{ Driver: 'nvidia', DeviceIDs: ['GPU-a'], Capabilities: [['gpu']] }],
    Devices: [{ PathOnHost: '/dev/kfd' }, { PathOnHost: '/dev/dri/renderD128' }],
  });
});

import { expect, test } from 'vitest';
import type { ExecutionSpec } from '../index.ts';
import { quoted } from './manager.ts';
import { ownerOf, serviceProperties } from './properties.ts';

const spec: ExecutionSpec = {
  ...{ runUid: 'u', namespace: 'ns', runName: 'train-0', clusterUid: 'c', runtime: 'systemd' },
  ...{ command: ['true'], env: { SECRET: 's3cr3t' }, mounts: [], privileged: false },
  ...{ milliCores: 0, memoryBytes: 0, outPath: '/logs//ns/a.out', errPath: '/logs/ns/../ns/a.err' },
};
const parts = { workingDir: '/srv/data/', recorder: ['/bin/sh', '/a "b" $c\\'], stopGraceMs: 1500 };

test('without limits none is set, and nothing of the environment is there', () => {
  const properties = serviceProperties(spec, parts).join('\n');
  expect(properties).not.toMatch(/CPUQuota|MemoryMax|s3cr3t/);
  expect(properties).toContain('Description=River run ns/train-0');
  expect(properties).toContain('WorkingDirectory=/srv/data\n');
  expect(properties).toContain('StandardOutput=append:/logs/ns/a.out\nStandardError=append:/logs/ns/a.err\n');
  expect(properties).toContain('ExecStopPost="/bin/sh" "/a \\"b\\" $$c\\\\"\n');
  expect(properties).toContain('TimeoutStopSec=2s');
});

test.each([
  [1, 'CPUQuota=0.1%'],
  [500, 'CPUQuota=50%'],
  [1255, 'CPUQuota=125.5%'],
])('%d milli-cores', (milliCores, property) => {
  expect(serviceProperties({ ...spec, milliCores }, parts)).toContain(property);
});

test('memory is exact to the byte, and swap no way around it', () => {
  const properties = serviceProperties({ ...spec, memoryBytes: 50_000_001 }, parts);
  expect(properties).toContain('MemoryMax=50000001');
  expect(properties).toContain('MemorySwapMax=0');
});

test('it is held to CPUs and NUMA nodes on either version of control groups', () => {
  const properties = serviceProperties({ ...spec, cpus: '0-3', memoryNodes: '1' }, parts);
  const held = properties.filter((property) => /^(CPUAffinity|Allowed|NUMA)/.test(property));
  expect(held.sort()).toEqual([
    'AllowedCPUs=0-3',
    'AllowedMemoryNodes=1',
    'CPUAffinity=0-3',
    'NUMAMask=1',
    'NUMAPolicy=bind',
  ]);
});

test('it begins on those of its CPUs that nobody has pinned', () => {
  const properties = serviceProperties({ ...spec, cpus: '0-3', sharedCpus: '2-3' }, parts);
  expect(properties).toEqual(expect.arrayContaining(['CPUAffinity=2-3', 'AllowedCPUs=2-3']));
});

test('who a service belongs to is in its description', () => {
  expect(ownerOf('River run ns/train-0')).toEqual({ namespace: 'ns', runName: 'train-0' });
  expect(ownerOf('somebody else')).toEqual({ namespace: '', runName: '' });
  expect(quoted('%n')).toBe('"%n"');
});

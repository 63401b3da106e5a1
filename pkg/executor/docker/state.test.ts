import type { ContainerInspectInfo } from 'dockerode';
import { describe, expect, test } from 'vitest';
import type { ExecutionSpec } from '../index.ts';
import { createOptions, scriptTarget } from './create-options.ts';
import { containerLabels, containerName, type Owner, ownerOf } from './names.ts';
import { readContainer, toExecution } from './state.ts';

const spec: ExecutionSpec = {
  ...{
    runUid: 'uid-1',
    namespace: 'default',
    runName: 'hello-1',
    clusterUid: 'feedc0de-1111-4222',
    runtime: 'docker',
  },
  ...{ env: { A: '1' }, mounts: [], privileged: false, milliCores: 0, memoryBytes: 0 },
  ...{ image: 'busybox:1', outPath: '/logs/a.out', errPath: '/logs/a.err' },
};
const never = '0001-01-01T00:00:00Z';

test('the GPUs that it was made with, by UUID or as device nodes', () => {
  const made = (HostConfig: object) =>
    readContainer({
      Id: 'abc',
      State: { Status: 'running', ExitCode: 0 },
      HostConfig,
    } as ContainerInspectInfo).gpus;
  expect(made({})).toEqual([]);
  expect(made({ DeviceRequests: [{ Driver: 'nvidia', DeviceIDs: ['GPU-a', 'MIG-b'] }] })).toEqual([
    'GPU-a',
    'MIG-b',
  ]);
  expect(made({ DeviceRequests: [{ Driver: 'cdi', DeviceIDs: ['nvidia.com/gpu=GPU-a'] }] })).toEqual([
    'GPU-a',
  ]);
  expect(made({ DeviceRequests: null, Devices: [{ PathOnHost: '/dev/kfd' }] })).toEqual(['/dev/kfd']);
});

function execution(state: object) {
  const info = {
    Id: 'abc',
    Config: { Labels: containerLabels(spec, 'boot-1') },
    State: {
      Status: 'exited',
      ExitCode: 0,
      Error: '',
      OOMKilled: false,
      StartedAt: '2026-01-01T00:00:00Z',
      FinishedAt: '2026-01-01T00:00:01.5Z',
      ...state,
    },
  } as unknown as ContainerInspectInfo;
  const container = readContainer(info);
  return toExecution(container, container.owner as Owner, 'boot-1');
}

describe('state of a container', () => {
  test('an end with its times', () => {
    expect(execution({ ExitCode: 3 })).toEqual({
      ...{ runUid: 'uid-1', namespace: 'default', runName: 'hello-1', state: 'exited', exitCode: 3 },
      ...{ startedAt: Date.UTC(2026, 0, 1), finishedAt: Date.UTC(2026, 0, 1, 0, 0, 1, 500) },
    });
  });

  test('an end that came before the engine had heard of its start', () => {
    const { startedAt, finishedAt } = execution({
      ...{ StartedAt: '2026-01-01T00:00:00.241Z', FinishedAt: '2026-01-01T00:00:00.240Z' },
    });
    expect(finishedAt).toBe(startedAt);
  });

  test.each(['removing', 'dead'])('%s, and never started: it may be made and started again', (Status) => {
    expect(execution({ Status, StartedAt: never, FinishedAt: never })).toMatchObject({ state: 'created' });
    expect(execution({ Status, ExitCode: 3 })).toMatchObject({ state: 'exited', exitCode: 3 });
  });

  test.each([
    [137, { signal: 'SIGKILL' }],
    [143, { signal: 'SIGTERM' }],
    [128, { exitCode: 128 }],
    [160, { exitCode: 160 }],
    [255, { exitCode: 255, note: expect.stringContaining('died while the engine was away') }],
  ])('code %i', (ExitCode, expected) => {
    expect(execution({ ExitCode })).toMatchObject(expected);
  });

  test('made, refused by the engine, never started', () => {
    expect(execution({ Status: 'created', StartedAt: never })).toMatchObject({ state: 'created' });
    const refused = execution({
      Status: 'created',
      StartedAt: never,
      ExitCode: 127,
      Error: 'exec: "x": executable file not found in $PATH',
    });
    expect(refused).toMatchObject({ state: 'exited', startError: { reason: 'CommandNotFound' } });
    expect(refused.startedAt).toBeUndefined();
  });

  test('an answer that is not understood is an error', () => {
    expect(() => readContainer({ Id: 'a' } as unknown as ContainerInspectInfo)).toThrow('not understood');
  });
});

describe('what is asked for', () => {
  const settings = { bootId: 'boot-1', scriptPath: '/state/scripts/uid-1', init: true };

  test('the name is the same every time; the labels say everything that a new runner needs', () => {
    expect(containerName(spec.clusterUid, spec.runUid)).toBe('river-feedc0de-111-uid-1');
    expect(ownerOf(containerLabels(spec, 'boot-1'))).toMatchObject({
      runUid: 'uid-1',
      outPath: '/logs/a.out',
    });
    expect(ownerOf({ 'river.dev/run-uid': 'uid-1' })).toBeUndefined();
  });

  test.each([
    ['args alone replace CMD', { args: ['a'] }, { Cmd: ['a'] }],
    [
      'command replaces the entrypoint, and CMD with nothing',
      { command: ['x', 'y'] },
      { Entrypoint: ['x', 'y'], Cmd: [] },
    ],
    ['command with args', { command: ['x'], args: ['a'] }, { Entrypoint: ['x'], Cmd: ['a'] }],
    ['script', { script: '#!/bin/sh', args: ['a'] }, { Entrypoint: [scriptTarget], Cmd: ['a'] }],
  ])('%s', (_name, more, expected) => {
    const { Entrypoint, Cmd } = createOptions({ ...spec, ...more }, settings);
    expect({ ...(Entrypoint ? { Entrypoint } : {}), ...(Cmd ? { Cmd } : {}) }).toEqual(expected);
  });

  test('no limit is no number; memory is the same with swap', () => {
    expect(createOptions(spec, settings).HostConfig).not.toHaveProperty('Memory');
    const limited = createOptions({ ...spec, milliCores: 250, memoryBytes: 6_000_001 }, settings).HostConfig;
    expect(limited).toMatchObject({ NanoCpus: 250_000_000, Memory: 6_000_001, MemorySwap: 6_000_001 });
  });
});

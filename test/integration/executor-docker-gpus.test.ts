import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { apiVersion, type Run } from '../../pkg/api/index.ts';
import { realClock, realRng, silentLogger } from '../../pkg/base/index.ts';
import { dockerExecutor } from '../../pkg/executor/docker/index.ts';
import type { Executor } from '../../pkg/executor/index.ts';
import { fits, nothingHeld, runNeed } from '../../pkg/placement/index.ts';
import { executionSpec } from '../../pkg/runner/exec-spec.ts';
import { gibibyte, gpu, readyNode, runSpec } from '../support/machines.ts';
import { temporaryFolder } from './executor-parts.ts';
import { RecordingEngine } from './recording-engine.ts';

const folder = temporaryFolder();
const engine = new RecordingEngine(folder.path);
const settings = {
  ...{ name: 'n1', localTempDir: folder.path, logDir: folder.path },
  gpuDevices: { 'amd-0': ['/dev/kfd', '/dev/dri/renderD128'] },
};

const slice = {
  model: 'NVIDIA H100',
  memory: 10 * gibibyte,
  mig: { profile: '1g.10gb', parentIndex: 2, parentUuid: 'GPU-cccc' },
};
const node = readyNode('n1', {
  allocatable: { cores: 8, memory: 64 * gibibyte },
  runtimes: ['docker', 'process'],
  gpus: [
    gpu(0, 'GPU-aaaa'),
    gpu(1, 'GPU-bbbb', { memory: 80 * gibibyte }),
    gpu(2, 'MIG-c0', slice),
    gpu(3, 'MIG-c1', slice),
    gpu(4, 'amd-0', { model: 'MI300X', memory: 192 * gibibyte }),
  ],
});

let executor: Executor;
beforeAll(async () => {
  await engine.open();
  executor = dockerExecutor({
    ...{ socketPath: engine.socketPath, stateDir: join(folder.path, 'docker'), clusterUid: 'cluster-1' },
    ...{ clock: realClock, rng: realRng, logger: silentLogger, isRoot: false, bootId: () => 'this-boot' },
    count: () => {},
  });
});
afterAll(async () => {
  await executor.close();
  await engine.close();
  folder.remove();
});

let count = 0;
function aRun(spec: Partial<Run['spec']>): Run {
  const uid = `u${count++}`;
  return {
    ...{ apiVersion, kind: 'Run', metadata: { uid, namespace: 'lab', name: uid } },
    spec: runSpec('t', { runtime: 'docker', image: 'i', ...spec }),
  };
}

/** From what a Run asks for to what its node is asked for: the whole way but for the network. */
async function asked(spec: Partial<Run['spec']>) {
  const run = aRun(spec);
  const verdict = fits(runNeed(run), node, nothingHeld);
  if (!verdict.fits) throw new Error(verdict.reasons.join('; '));
  const placed = { ...run, spec: { ...run.spec, placement: { node: 'n1', ...verdict.assignment } } };
  const given = executionSpec(placed, settings, 'cluster-1');
  if (given.runtime === 'docker') await executor.start(given);
  const body = engine.created.at(-1);
  const { DeviceRequests, Devices } = body?.HostConfig ?? {};
  const visible = body?.Env.filter((entry) => /VISIBLE_DEVICES/.test(entry));
  return { DeviceRequests, Devices, visible, env: given.env };
}

const driver = (...DeviceIDs: string[]) => [{ Driver: 'nvidia', DeviceIDs, Capabilities: [['gpu']] }];
const rows: [string, Partial<Run['spec']>, string[]][] = [
  ['a target by index', { target: 'n1::1' }, ['GPU-bbbb']],
  ['a target with several', { target: 'n1::1,0' }, ['GPU-aaaa', 'GPU-bbbb']],
  ['a count', { resources: { gpus: 2 } }, ['GPU-aaaa', 'GPU-bbbb']],
  ['a model', { resources: { gpus: { model: 'a100', count: 1 } } }, ['GPU-aaaa']],
  ['memory', { resources: { gpus: { count: 1, memory: '60Gi', model: 'a100' } } }, ['GPU-bbbb']],
  ['a share', { resources: { gpus: { memory: '20Gi', shared: true, model: 'a100' } } }, ['GPU-aaaa']],
  ['parts of one (MIG)', { target: 'n1::2,3' }, ['MIG-c0', 'MIG-c1']],
];

describe('an engine without CDI', () => {
  beforeAll(() => {
    engine.info = { Runtimes: { runc: {}, nvidia: {} } };
  });

  test.each(rows)('%s: its driver is asked for exactly these, by UUID', async (_what, spec, uuids) => {
    const { DeviceRequests, Devices, visible } = await asked(spec);
    expect([DeviceRequests, Devices, visible]).toEqual([driver(...uuids), undefined, []]);
  });

  test('none: none is asked for, and an image that asks for all gets none', async () => {
    const { DeviceRequests, Devices, visible } = await asked({});
    expect([DeviceRequests, Devices]).toEqual([undefined, undefined]);
    expect(visible).toEqual(['NVIDIA_VISIBLE_DEVICES=void']);
  });

  test('one of another vendor: its device nodes and nothing of NVIDIA', async () => {
    const { DeviceRequests, Devices } = await asked({ target: 'n1::4' });
    expect(DeviceRequests).toBeUndefined();
    expect(Devices).toEqual(
      ['/dev/kfd', '/dev/dri/renderD128'].map((path) => ({
        ...{ PathOnHost: path, PathInContainer: path, CgroupPermissions: 'rwm' },
      })),
    );
  });

  test('the probe says so', async () => {
    expect((await executor.probe()).message).toContain('NVIDIA GPUs are given by its nvidia driver.');
  });
});

describe('an engine that knows GPUs by CDI', () => {
  const discovered = (...names: string[]) =>
    names.map((name) => ({ Source: 'cdi', ID: `nvidia.com/gpu=${name}` }));

  beforeAll(() => {
    const names = ['0', '1', 'all', ...(node.status?.gpus ?? []).map(({ uuid }) => uuid)];
    engine.info = { CDISpecDirs: ['/etc/cdi'], DiscoveredDevices: discovered(...names) };
  });

  test.each(rows)('%s: it is asked for exactly these, by UUID', async (_what, spec, uuids) => {
    const { DeviceRequests, visible } = await asked(spec);
    const DeviceIDs = uuids.map((uuid) => `nvidia.com/gpu=${uuid}`);
    expect([DeviceRequests, visible]).toEqual([[{ Driver: 'cdi', DeviceIDs }], []]);
  });

  test('the probe says so', async () => {
    expect((await executor.probe()).message).toContain('NVIDIA GPUs are given by CDI');
  });

  test('one that it does not know under its UUID: its driver is asked, and the probe says why', async () => {
    engine.info = { CDISpecDirs: ['/etc/cdi'], DiscoveredDevices: discovered('0', '1', 'all') };
    expect((await asked({ target: 'n1::1' })).DeviceRequests).toEqual(driver('GPU-bbbb'));
    expect((await executor.probe()).message).toContain('nvidia driver because its CDI devices have no UUIDs');
    engine.info = { DiscoveredDevices: discovered('GPU-aaaa') };
    expect((await asked({ target: 'n1::0,1' })).DeviceRequests).toEqual(driver('GPU-aaaa', 'GPU-bbbb'));
    expect((await asked({ target: 'n1::0' })).DeviceRequests).toMatchObject([{ Driver: 'cdi' }]);
  });
});

test('without a container: CUDA sees exactly these, by UUID, or none', async () => {
  const cuda = async (spec: Partial<Run['spec']>) =>
    (await asked({ runtime: 'process', image: undefined, command: ['true'], ...spec })).env
      .CUDA_VISIBLE_DEVICES;
  expect(await cuda({ target: 'n1::1' })).toBe('GPU-bbbb');
  expect(await cuda({ target: 'n1::2,3' })).toBe('MIG-c0,MIG-c1');
  expect(await cuda({})).toBe('');
});

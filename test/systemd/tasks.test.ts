import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Node, Run } from '../../pkg/api/index.ts';
import { example, type Running, Sandbox, task } from '../e2e/sandbox.ts';

/** One `river dev` as root on a machine with systemd. */
const sandbox = new Sandbox({
  RIVER_RUNNER_RUNTIMES_SYSTEMD_ENABLED: 'true',
  RIVER_RUNNER_RUNTIMES_DOCKER_ENABLED: 'false',
});
let dev: Running;

beforeAll(async () => {
  dev = await sandbox.dev();
});

afterAll(async () => {
  await sandbox.river('delete', 'tasks', '--all', '--timeout', '20s');
  await sandbox.close();
});

const runsOf = async (name: string) =>
  (await sandbox.object<{ items: Run[] }>('runs', '-l', `river.dev/task=${name}`)).items;

test('the node says that it has systemd, and which', async () => {
  await sandbox.ok('wait', 'nodes', '--all', '--for', 'condition=SystemdReady', '--timeout', '30s');
  const { items } = await sandbox.object<{ items: Node[] }>('nodes');
  expect(items[0]?.status?.runtimes).toContain('systemd');
  expect(items[0]?.status?.versions?.systemd).toMatch(/^\d+/);
  expect(items[0]?.status?.conditions).toContainEqual(
    expect.objectContaining({ type: 'SystemdReady', status: 'True' }),
  );
});

test('the example: a service with its limits, its output, its figures', async () => {
  await sandbox.ok('apply', '-f', example('systemd.yaml'));
  await sandbox.ok('wait', 'task/service', '--for', 'condition=Complete', '--timeout', '60s');
  expect(await sandbox.ok('logs', 'service')).toMatch(/^hello from river-\S+\.service in \/tmp\n$/);
  const [run] = await runsOf('service');
  expect(run?.status).toMatchObject({ phase: 'Succeeded', exitCode: 0 });
  expect(run?.status?.usage?.memoryPeak).toBeGreaterThan(0);
});

test('the runner is killed: the service goes on, and its exit code arrives', async () => {
  const go = sandbox.path('go');
  const script = `#!/bin/sh\necho begun; while [ ! -e ${go} ]; do sleep 0.02; done; echo over; exit 9\n`;
  await sandbox.apply(task('patient', { script, runtime: 'systemd' }));
  await sandbox.ok('wait', 'task/patient', '--for', 'phase=Running', '--timeout', '60s');
  await dev.stop('SIGKILL');
  sandbox.write('go', '');
  dev = await sandbox.dev();
  await sandbox.river('wait', 'task/patient', '--for', 'condition=Complete', '--timeout', '60s');
  expect((await runsOf('patient')).map(({ status }) => status)).toEqual([
    expect.objectContaining({ phase: 'Failed', exitCode: 9 }),
  ]);
  expect(await sandbox.ok('logs', 'patient')).toBe('begun\nover\n');
});

test('stop ends everything of it', async () => {
  await sandbox.apply(task('endless', { command: ['sh', '-c', 'sleep 600 & wait'], runtime: 'systemd' }));
  await sandbox.ok('wait', 'task/endless', '--for', 'phase=Running', '--timeout', '60s');
  await sandbox.ok('stop', 'endless');
  await sandbox.ok('wait', 'task/endless', '--for', 'phase=Stopped', '--timeout', '60s');
});

import { mkdirSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Task } from '../../pkg/api/index.ts';
import {
  addressOf,
  joinMachine,
  processesOnly,
  startHost,
  writeHostConfig,
  writeRunnerConfig,
} from './machines.ts';
import { eventually, example, type Running, Sandbox, task } from './sandbox.ts';

/** river-host and two river-runners, each with its own configuration and key, on one machine. */
const sandbox = new Sandbox();
let host: Running;
let server = '';

beforeAll(async () => {
  mkdirSync(sandbox.path('shared'));
  host = await startHost(sandbox, hostLines('{runtime: process}'));
  ({ server } = addressOf(host));
  await startRunner('node1', [`topology: {gpus: [${gpus.join(', ')}]}`]);
  await startRunner('node2');
  await sandbox.ok('wait', 'nodes', '--all', '--for', 'condition=Ready', '--timeout', '30s');
});

afterAll(() => sandbox.close());

function hostLines(defaults: string): string[] {
  const shared = `sharedDir: ${sandbox.path('shared')}`;
  return [shared, 'listen: {port: 0}', 'leaseDuration: 3s', `defaults: ${defaults}`];
}

/** As a machine with these would say; GPUs of others are device nodes, and these are ones that every machine has. */
const gpus = [
  '{uuid: test-0, model: Tesla T4, memory: 16Gi, devices: [/dev/null]}',
  '{uuid: test-1, model: NVIDIA A100, memory: 40Gi, devices: [/dev/zero]}',
];

async function startRunner(name: string, more: readonly string[] = []): Promise<Running> {
  const shared = `sharedDir: ${sandbox.path('shared')}`;
  writeRunnerConfig(sandbox, name, [shared, processesOnly, 'reserved: {cores: 0.5}', ...more]);
  await joinMachine(sandbox, name, server);
  const runner = sandbox.start('runner', ['--config', `${name}.yaml`]);
  await eventually(`node ${name}`, 30_000, async () => (await sandbox.river('get', 'node', name)).code === 0);
  return runner;
}

it('targets: one run on each node, output with a prefix', async () => {
  await sandbox.ok('apply', '-f', example('targets.yaml'));
  await sandbox.ok('wait', 'task/everywhere', '--for', 'condition=Complete', '--timeout', '30s');
  const runs = await sandbox.runsOf('everywhere');
  expect(runs.map((run) => run.spec.placement?.node).sort()).toEqual(['node1', 'node2']);
  const output = await sandbox.ok('logs', 'task/everywhere');
  expect(output.trim().split('\n').sort()).toEqual([
    expect.stringMatching(/^\[everywhere-[0-9a-f]{8}-0-0\] run 0 on node1$/),
    expect.stringMatching(/^\[everywhere-[0-9a-f]{8}-1-0\] run 1 on node2$/),
  ]);
});

describe('CPUs, NUMA nodes and GPUs', () => {
  /** What the runs of a task of an example have written, by line, sorted. */
  async function ran(file: string, ...names: string[]): Promise<string[]> {
    await sandbox.ok('apply', '-f', file);
    const texts: string[] = [];
    for (const name of names) {
      await sandbox.ok('wait', `task/${name}`, '--for', 'condition=Complete', '--timeout', '30s');
      texts.push(await sandbox.ok('logs', `task/${name}`));
    }
    const lines = texts.flatMap((text) => text.trim().split('\n'));
    return lines.map((line) => line.replace(/^\[[^\]]*\] /, '')).sort();
  }

  it('NUMA: by target, and where one is preferred; the kernel shows it', async () => {
    const [preferred, ...masks] = await ran(example('numa.yaml'), 'on-numa-0', 'near');
    expect(preferred).toMatch(/^CPUs \S+ of NUMA node 0 on node[12]$/);
    const placement = (await sandbox.runOf('on-numa-0')).spec.placement;
    expect(placement).toMatchObject({ node: 'node1', numaNodes: [0] });
    expect(masks).toEqual([
      expect.stringMatching(new RegExp(`^Cpus_allowed_list:\\s${placement?.cpus}$`)),
      expect.stringMatching(isRoot ? /^Mems_allowed_list:\s0$/ : /^Mems_allowed_list:/),
    ]);
  });

  it('pinned: one CPU, and the kernel shows it', async () => {
    const { cpus, pinned } =
      (await ran(example('pin.yaml'), 'alone').then(() => sandbox.runOf('alone'))).spec.placement ?? {};
    expect([pinned, cpus]).toEqual([true, expect.stringMatching(/^\d+$/)]);
    expect(await sandbox.ok('logs', 'task/alone')).toContain(`given ${cpus}\nCpus_allowed_list:\t${cpus}\n`);
  });

  it('GPUs by index', async () => {
    expect(await ran(example('gpu-index.yaml'), 'by-index')).toEqual(['GPU 0 is test-0', 'GPU 1 is test-1']);
  });

  it('a GPU by need', async () => {
    expect(await ran(example('gpu-need.yaml'), 'by-need')).toEqual(['GPU 1 on node1']);
  });

  it('a shared GPU', async () => {
    expect(await ran(example('gpu-shared.yaml'), 'sharing')).toEqual([
      'run 0 shares GPU 0',
      'run 1 shares GPU 0',
    ]);
    const shares = (await sandbox.runsOf('sharing')).map(({ spec }) => spec.placement?.gpus);
    const share = [{ index: 0, uuid: 'test-0', memoryBytes: 8 * 2 ** 30 }];
    expect(shares).toEqual([share, share]);
  });
});

const isRoot = process.getuid?.() === 0;

it('nodeSelector: waits for a node with the label, and goes there', async () => {
  await sandbox.apply(task('chosen', { command: ['true'], nodeSelector: { disk: 'fast' } }));
  await sandbox.ok('wait', 'task/chosen', '--for', 'condition=Scheduled=False', '--timeout', '30s');
  const node = await sandbox.object<object>('node', 'node2');
  expect(node).toMatchObject({ metadata: { name: 'node2' } });
  await sandbox.apply({
    apiVersion: 'river.dev/v1',
    kind: 'Node',
    metadata: { name: 'node2', labels: { disk: 'fast' } },
  });
  await sandbox.ok('wait', 'task/chosen', '--for', 'condition=Complete', '--timeout', '30s');
  expect((await sandbox.runOf('chosen')).spec.placement?.node).toBe('node2');
});

it('what does not fit waits, and describe names every node and its reason', async () => {
  await sandbox.apply(task('big', { command: ['true'], resources: { cores: 1000 } }));
  await sandbox.ok('wait', 'task/big', '--for', 'condition=Scheduled=False', '--timeout', '30s');
  const text = await sandbox.ok('describe', 'task/big');
  for (const word of ['node1', 'node2', 'cores']) expect(text).toContain(word);
  await sandbox.ok('delete', 'task/big');
});

it('a runner that is killed: its run goes on and is found again, with its exit code', async () => {
  const file = sandbox.path('go');
  const runner = await startRunner('node3');
  await sandbox.apply(
    task('left-alone', {
      targets: ['node3'],
      command: ['sh', '-c', `while [ ! -e ${file} ]; do sleep 0.05; done; exit 7`],
    }),
  );
  await sandbox.ok('wait', 'task/left-alone', '--for', 'phase=Running', '--timeout', '30s');
  await runner.stop('SIGKILL');
  sandbox.write('go', '');
  await sandbox.ok('wait', 'node/node3', '--for', 'condition=Ready=Unknown', '--timeout', '30s');
  expect((await sandbox.runOf('left-alone')).status?.phase).toBe('Lost');
  await startRunner('node3');
  await sandbox.ok('wait', 'task/left-alone', '--for', 'phase=Failed', '--timeout', '30s');
  expect((await sandbox.runOf('left-alone')).status).toMatchObject({ phase: 'Failed', exitCode: 7 });
});

it('a bad configuration is told with its place', async () => {
  sandbox.write('bad-host.yaml', 'lissten: {port: 1}\n');
  const { code, stderr } = await sandbox.run('host', ['--config', 'bad-host.yaml']);
  expect([code, stderr]).toEqual([1, expect.stringMatching(/bad-host\.yaml:1:1: lissten: .*listen/)]);
});

it('defaults that are changed in the file count for the next task', async () => {
  writeHostConfig(sandbox, hostLines('{runtime: process, privileged: true}'));
  await host.says('the configuration has changed');
  await sandbox.apply(task('later', { image: 'none:0', command: ['true'], suspend: true }));
  expect(await sandbox.object<Task>('task', 'later')).toMatchObject({
    spec: { runtime: 'docker', privileged: true },
  });
  await sandbox.ok('delete', 'tasks', '--all');
});

it('SIGTERM ends host and runner in order', async () => {
  expect(await host.stop()).toBe(0);
});

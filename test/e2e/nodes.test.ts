import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Node, Run } from '../../pkg/api/index.ts';
import { addressOf, joinMachine, processesOnly, startHost, writeRunnerConfig } from './machines.ts';
import { eventually, example, type Running, root, Sandbox, task } from './sandbox.ts';

/** Machines that are looked at and emptied, and one that is declared dead and comes back. */
const sandbox = new Sandbox();
const runners = new Map<string, Running>();
let host: Running;

beforeAll(async () => {
  await start(0);
  const { server } = addressOf(host);
  mkdirSync(sandbox.path('driver'));
  const answer = join(root, 'pkg/topology/fixtures/two-models.xml');
  sandbox.write('driver/nvidia-smi', `#!/bin/sh\n[ "$1" = -q ] && exec cat ${answer}\nexit 1\n`, 0o755);
  for (const name of ['node1', 'node2']) {
    mkdirSync(sandbox.path(name));
    const gpus = name === 'node1' ? [] : ['topology: {gpus: []}'];
    writeRunnerConfig(sandbox, name, [processesOnly, 'stopGrace: 1s', ...gpus]);
    await joinMachine(sandbox, name, server);
    startRunner(name);
  }
  await eventually('two nodes', 30_000, async () => (await sandbox.ok('get', 'nodes')).includes('node2'));
  await sandbox.ok('wait', 'nodes', '--all', '--for', 'condition=Ready', '--timeout', '30s');
});

afterAll(() => sandbox.close());

async function start(port: number): Promise<void> {
  const lines = [`listen: {port: ${port}}`, 'leaseDuration: 3s', 'defaults: {runtime: process}'];
  host = await startHost(sandbox, lines);
}

/** Host and runner of a node, in the middle of whatever they do. */
async function killAndStartAgain(node: string): Promise<void> {
  const { port } = addressOf(host);
  await Promise.all([host.stop('SIGKILL'), runners.get(node)?.stop('SIGKILL')]);
  await start(port);
  startRunner(node);
}

/** The machine of node1 has two GPUs, as its nvidia-smi says. */
function startRunner(name: string): void {
  const path = name === 'node1' ? `${sandbox.path('driver')}:${process.env.PATH}` : process.env.PATH;
  runners.set(name, sandbox.start('runner', ['--config', `${name}.yaml`], { PATH: path }));
}

/** What Prometheus is given. */
async function metrics(): Promise<string> {
  const { server, ca, token } = await sandbox.kubeconfig();
  const headers = { authorization: `Bearer ${token}` };
  return new Promise((resolve, reject) => {
    request(`${server}/metrics`, { ca, headers }, (response) => {
      let text = '';
      response.on('data', (chunk) => {
        text += chunk;
      });
      response.on('end', () => resolve(text));
    })
      .on('error', reject)
      .end();
  });
}

/** The cells of the line that begins with these; columns are three spaces apart. */
async function cellsOf(command: readonly string[], ...first: string[]): Promise<string[]> {
  const lines = (await sandbox.ok(...command)).split('\n').map((line) => line.trim().split(/ {3,}/));
  return lines.find((cells) => first.every((cell, index) => cells[index]?.startsWith(cell))) ?? [];
}

const nodeOf = (run: Run | undefined) => run?.spec.placement?.node ?? '';
const isAlive = (pid: number) => existsSync(`/proc/${pid}`);

it('a node that is cordoned takes nothing new, and says so', async () => {
  expect(await sandbox.ok('cordon', 'node2')).toBe('node.river.dev/node2 cordoned\n');
  expect(await sandbox.ok('cordon', 'node2')).toBe('node.river.dev/node2 unchanged\n');
  await sandbox.apply(task('fixed', { command: ['true'], targets: ['node2'] }));
  await sandbox.ok('wait', 'task/fixed', '--for', 'condition=Scheduled=False', '--timeout', '30s');
  expect(await sandbox.ok('describe', 'task/fixed')).toContain('cordoned');
  expect(await sandbox.ok('get', 'nodes')).toMatch(/node2 +Ready,SchedulingDisabled/);
  expect(await sandbox.ok('uncordon', 'node2')).toBe('node.river.dev/node2 uncordoned\n');
  await sandbox.ok('wait', 'task/fixed', '--for', 'condition=Complete', '--timeout', '30s');
});

it('what is used now, and who holds what', async () => {
  const loop = ['sh', '-c', 'while :; do :; done'];
  const gpus = { count: 1, model: 'A100' };
  await sandbox.apply(task('busy', { command: loop, targets: ['node1'], resources: { cores: 0.5, gpus } }));
  const pin = { command: ['sleep', '600'], targets: ['node1'], resources: { cores: 1, pin: true } };
  await sandbox.apply(task('pinned', pin));
  for (const name of ['busy', 'pinned'])
    await sandbox.ok('wait', `task/${name}`, '--for', 'phase=Running', '--timeout', '30s');
  await eventually('about half a core', 30_000, async () => {
    const [, node, cores = '', memory = '', onGpu] = await cellsOf(['top', 'runs'], 'busy-');
    const used = Number(cores.replace('/0.5', ''));
    return node === 'node1' && used > 0.1 && used < 1.2 && memory.endsWith('Ki/-') && onGpu === '1Gi';
  });
  const held = expect.stringMatching(/^default\/busy-/);
  const [busy] = await sandbox.runsOf('busy');
  expect(busy?.status?.usage).toMatchObject({ cores: expect.any(Number), memoryUsed: expect.any(Number) });
  expect(await cellsOf(['get', 'gpu/node1::0'], 'node1', '0')).toEqual([
    ...[
      'node1',
      '0',
      'NVIDIA A100-PCIE-40GB',
      '1Gi/40Gi',
      '<none>',
      '37%',
      '45°C',
      '129/400W',
      held,
      'Healthy',
    ],
  ]);
  expect(await sandbox.ok('get', 'gpus', '-o', 'name')).toBe('gpu/node1::0\ngpu/node1::1\n');
  expect(await cellsOf(['top', 'gpus', 'node1::1'], 'node1', '1')).toContain('free');
  expect(await cellsOf(['get', 'nodes', '-o', 'wide'], 'node1')).toContain('1/2');
  const [, cores, share] = await cellsOf(['top', 'nodes', '--sort-by', 'cores'], 'node1');
  expect([cores, share]).toEqual([expect.stringMatching(/^[\d.]+\/\d/), expect.stringMatching(/^\d+%$/)]);
  const map = ['describe', 'node', 'node1'];
  expect(await cellsOf(map, 'gpu 0')).toEqual(['gpu 0', 'A100-PCIE-40GB 1Gi/40Gi 37%', held]);
  expect(await sandbox.ok(...map)).toMatch(/^ +\d+ +pinned +default\/pinned-/m);
  const text = await metrics();
  expect(text).toMatch(/^river_gpu_utilization_ratio\{node="node1",uuid="GPU-5d[^}]*,index="0"\} 0.37$/m);
  expect(text).toMatch(/^river_node_cpu_ratio\{node="node2"\} /m);
  for (const [words, message] of [
    [['get', 'gpus', 'node1::7'], 'node node1 has no GPU 7; it has 0, 1'],
    [['get', 'gpus,nodes'], 'get GPUs by themselves'],
    [['get', 'gpus', '-w'], 'GPUs are no objects'],
    [['get', 'gpus', '-l', 'no=such'], 'No gpus found.'],
    [['top', 'tasks'], 'top knows nodes, gpus and runs'],
    [['top', 'things'], 'top knows nodes, gpus and runs'],
    [['describe', 'gpu/node1'], 'GPUs are no objects, they stand in their nodes'],
    [['top', 'runs', '--sort-by', 'height'], 'sorted by cores, memory, gpu-memory, name'],
  ] as const)
    expect((await sandbox.river(...words)).stderr).toContain(message);
  await sandbox.ok('delete', 'tasks', 'busy', 'pinned');
});

it('drain: what runs there is stopped and goes on elsewhere, uncounted', async () => {
  await sandbox.ok('apply', '-f', example('movable.yaml'));
  await sandbox.ok('wait', 'task/movable', '--for', 'phase=Running', '--timeout', '30s');
  const from = nodeOf((await sandbox.runsOf('movable'))[0]);
  const said = await sandbox.ok('drain', from, '--timeout', '30s');
  expect(said).toMatch(
    new RegExp(
      `^node.river.dev/${from} cordoned\nrun/movable-\\S+ stopped\nnode.river.dev/${from} drained\n$`,
    ),
  );
  await eventually(
    'the next run',
    30_000,
    async () => (await sandbox.runsOf('movable'))[1]?.status?.phase === 'Running',
  );
  const [first, second] = await sandbox.runsOf('movable');
  expect(first?.status).toMatchObject({ phase: 'Stopped', reason: 'Drained' });
  expect(nodeOf(second)).not.toBe(from);
  expect(second?.spec.retries).toBeUndefined();
  await sandbox.ok('uncordon', from);
  await sandbox.ok('delete', 'task/movable');
});

it('fence: runs of a dead machine fail and start elsewhere; back again, it cleans up before it is Ready', async () => {
  const command = ['sh', '-c', `echo $$ > ${sandbox.folder}/$RIVER_RUN; exec sleep 600`];
  await sandbox.apply(task('moved', { command, retry: { limit: 3, backoff: '100ms' } }));
  await sandbox.ok('wait', 'task/moved', '--for', 'phase=Running', '--timeout', '30s');
  const [run] = await sandbox.runsOf('moved');
  const node = nodeOf(run);
  const alive = await sandbox.river('node', 'fence', node, '--yes');
  expect([alive.code, alive.stderr]).toEqual([1, expect.stringContaining(`is alive: river drain ${node}`)]);

  await runners.get(node)?.stop('SIGKILL');
  await sandbox.ok('wait', `node/${node}`, '--for', 'condition=Ready=Unknown', '--timeout', '30s');
  expect((await cellsOf(['top', 'nodes', node], node))[1]).toMatch(/^<unknown>\//);
  const asked = await sandbox.river('node', 'fence', node);
  expect([asked.code, asked.stderr]).toEqual([1, expect.stringContaining('its 1 run (')]);
  expect((await sandbox.runsOf('moved')).map(({ status }) => status?.phase)).toEqual(['Lost']);
  expect(await sandbox.ok('node', 'fence', node, '--yes')).toBe(
    `node.river.dev/${node} fenced; 1 run fails with reason Fenced\n`,
  );
  await eventually(
    'the next run',
    30_000,
    async () => (await sandbox.runsOf('moved'))[1]?.status?.phase === 'Running',
  );
  const [first, second] = await sandbox.runsOf('moved');
  expect(first?.status).toMatchObject({ phase: 'Failed', reason: 'Fenced' });
  expect(nodeOf(second)).not.toBe(node);

  const pid = Number(readFileSync(sandbox.path(run?.metadata.name ?? ''), 'utf8'));
  expect(isAlive(pid)).toBe(true);
  startRunner(node);
  await sandbox.ok('wait', `node/${node}`, '--for', 'condition=Ready', '--timeout', '30s');
  expect(isAlive(pid)).toBe(false);
  expect((await sandbox.object<Node>('node', node)).spec).toEqual({});
  await sandbox.ok('delete', 'task/moved');
});

/** Notes the pid of each start and that it was asked to end, and does not end for that. */
const stubborn = (name: string) =>
  task(name, {
    command: [
      'sh',
      '-c',
      `echo $$ >>${sandbox.path(name)}; trap 'echo asked >>${sandbox.path(name)}' TERM; while :; do sleep 0.1; done`,
    ],
  });
const notesOf = (name: string) => readFileSync(sandbox.path(name), 'utf8').trimEnd().split('\n');
const startsOf = (name: string) =>
  notesOf(name)
    .map(Number)
    .filter((pid) => pid > 0);

async function startStubborn(name: string): Promise<{ node: string; run: string }> {
  await sandbox.apply(stubborn(name));
  await sandbox.ok('wait', `task/${name}`, '--for', 'phase=Running', '--timeout', '30s');
  const [run] = await sandbox.runsOf(name);
  return { node: nodeOf(run), run: run?.metadata.name ?? '' };
}

it('host and runner are killed in the middle of a drain: it is brought to its end', async () => {
  const { node } = await startStubborn('drained');
  const drain = sandbox.start('river', ['drain', node, '--timeout', '60s']);
  await eventually('the stop', 30_000, () => notesOf('drained').includes('asked'));
  await killAndStartAgain(node);
  await drain.ended;
  await sandbox.ok('drain', node, '--timeout', '60s');
  await eventually(
    'the next run',
    30_000,
    async () => (await sandbox.runsOf('drained'))[1]?.status?.phase === 'Running',
  );
  const [first, second] = await sandbox.runsOf('drained');
  expect(first?.status).toMatchObject({ phase: 'Stopped', reason: 'Drained' });
  expect(nodeOf(second)).not.toBe(node);
  expect(startsOf('drained').map(isAlive)).toEqual([false, true]);
  await sandbox.ok('uncordon', node);
  await sandbox.ok('delete', 'task/drained');
});

it('host and runner are killed in the middle of the clean-up after a fence: the next ones finish it', async () => {
  const { node } = await startStubborn('fenced');
  await runners.get(node)?.stop('SIGKILL');
  await sandbox.ok('wait', `node/${node}`, '--for', 'condition=Ready=Unknown', '--timeout', '30s');
  await sandbox.ok('node', 'fence', node, '--yes');
  startRunner(node);
  await eventually('the clean-up', 30_000, () => notesOf('fenced').includes('asked'));
  await killAndStartAgain(node);
  await sandbox.ok('wait', `node/${node}`, '--for', 'condition=Ready', '--timeout', '60s');
  expect((await sandbox.object<Node>('node', node)).spec).toEqual({});
  expect((await sandbox.runsOf('fenced')).map(({ status }) => status?.reason)).toEqual(['Fenced']);
  expect(startsOf('fenced').map(isAlive)).toEqual([false]);
  await sandbox.ok('delete', 'task/fenced');
});

it('what is no node, or not there, is told in one sentence', async () => {
  const kind = await sandbox.river('cordon', 'task/fixed');
  expect([kind.code, kind.stderr]).toEqual([2, 'river: task.river.dev/fixed is no node\n']);
  for (const words of [
    ['drain', 'nobody'],
    ['node', 'fence', 'nobody', '--yes'],
  ]) {
    const missing = await sandbox.river(...words);
    expect([missing.code, missing.stderr]).toEqual([1, expect.stringContaining('"nobody" not found')]);
  }
  expect((await sandbox.river('drain')).code).toBe(2);
});

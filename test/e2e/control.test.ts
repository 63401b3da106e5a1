import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type TestEngine, withEngine } from '../env/engine.ts';
import { eventually, example, type Running, Sandbox, task } from './sandbox.ts';

const found = await withEngine();
const engine = found.engine as TestEngine;
const sandbox = new Sandbox(found.engine ? { DOCKER_HOST: `unix://${engine.socketPath}` } : {});
let dev: Running;

beforeAll(async () => {
  dev = await sandbox.dev();
});

afterAll(async () => {
  await sandbox.river('delete', 'tasks', '--all', '--timeout', '20s');
  await sandbox.close();
  await found.engine?.release();
});

const waitFor = (name: string, what: string) =>
  sandbox.ok('wait', `task/${name}`, '--for', what, '--timeout', '60s');
const lines = async (name: string) => (await sandbox.ok('logs', name)).split('\n').length;

function moreOutput(name: string, than: number): Promise<void> {
  return eventually(`more output of ${name}`, 30_000, async () => (await lines(name)) > than);
}

async function restart(): Promise<void> {
  await dev.stop('SIGKILL');
  dev = await sandbox.dev();
}

it('the example: paused over a crash of host and runner, resumed, ended', async () => {
  await sandbox.ok('apply', '-f', example('pause.yaml'));
  await waitFor('ticking', 'phase=Running');
  await moreOutput('ticking', 3);
  expect(await sandbox.ok('pause', 'ticking')).toBe('task.river.dev/ticking paused\n');
  expect(await sandbox.ok('pause', 'ticking')).toBe('task.river.dev/ticking unchanged\n');
  await waitFor('ticking', 'phase=Suspended');
  expect(await sandbox.ok('get', 'runs')).toMatch(/ticking-\S+ +Paused /);
  const count = await lines('ticking');
  await restart();
  expect(await lines('ticking')).toBe(count);
  const paused = await sandbox.runOf('ticking');
  expect(paused.status).toMatchObject({ phase: 'Paused', pausedAt: expect.any(String) });
  expect(await sandbox.ok('apply', '-f', example('pause.yaml'))).toBe('task.river.dev/ticking unchanged\n');

  expect(await sandbox.ok('resume', 'task/ticking')).toBe('task.river.dev/ticking resumed\n');
  await waitFor('ticking', 'phase=Running');
  await moreOutput('ticking', count);
  const [, enough = ''] = /ends when there is (.+)/.exec(await sandbox.ok('logs', 'ticking')) ?? [];
  writeFileSync(enough, '');
  await waitFor('ticking', 'condition=Complete');
  const { status } = await sandbox.runOf('ticking');
  expect(status?.pausedMs).toBeGreaterThan(0);
  expect(await sandbox.ok('get', 'events')).toMatch(/Paused[\s\S]*Resumed|Resumed[\s\S]*Paused/);
});

const loop = ['sh', '-c', 'n=0; while :; do n=$((n+1)); echo tick $n; sleep 0.05; done'];

describe.each([
  ['process', {}],
  ['docker', { image: found.engine?.image }],
] as const)('%s', (runtime, more) => {
  const name = `paused-${runtime}`;

  it.skipIf(runtime === 'docker' && !found.engine)(
    'all of a label, over a restart; its timeout does not run; stopped and deleted while paused',
    async () => {
      const manifest = task(name, { runtime, command: loop, timeout: '3s', ...more });
      await sandbox.apply({ ...manifest, metadata: { name, labels: { what: name } } });
      await waitFor(name, 'phase=Running');
      await sandbox.ok('pause', '-l', `what=${name}`);
      await waitFor(name, 'phase=Suspended');
      await restart();
      const { status } = await sandbox.runOf(name);
      await eventually(
        'more than its timeout',
        30_000,
        () => Date.now() - Date.parse(status?.startedAt ?? '') > 3_200,
      );
      expect((await sandbox.runOf(name)).status?.phase).toBe('Paused');
      await sandbox.ok('stop', name);
      await waitFor(name, 'phase=Stopped');
      expect((await sandbox.runOf(name)).status).toMatchObject({ phase: 'Stopped', reason: 'Stopped' });
      expect(await sandbox.ok('rerun', name)).toContain('rerun');
      await sandbox.ok('resume', name);
      await waitFor(name, 'phase=Running');
      await sandbox.ok('pause', name);
      await waitFor(name, 'phase=Suspended');
      await sandbox.ok('delete', `task/${name}`, '--timeout', '60s');
    },
  );
});

it('paused before it is started: nothing is started until it is resumed', async () => {
  await sandbox.apply(task('asleep', { command: ['echo', 'awake'], suspend: true }));
  await waitFor('asleep', 'phase=Suspended');
  await sandbox.ok('resume', 'asleep');
  await waitFor('asleep', 'condition=Complete');
  expect(await sandbox.ok('logs', 'asleep')).toBe('awake\n');
});

it('retry: every attempt is a run of its own, the last one counts, and the limit is one', async () => {
  await sandbox.ok('apply', '-f', example('retry.yaml'));
  await waitFor('third-time-lucky', 'condition=Complete');
  const runs = await sandbox.runsOf('third-time-lucky');
  expect(runs.map(({ spec, status }) => [spec.attempt, status?.phase])).toEqual([
    [0, 'Failed'],
    [1, 'Failed'],
    [2, 'Succeeded'],
  ]);
  expect(await sandbox.ok('get', 'task', 'third-time-lucky')).toMatch(/ Succeeded +1\/1 /);
  expect((await sandbox.ok('logs', 'third-time-lucky')).trim().split('\n')).toHaveLength(3);

  await sandbox.apply(task('unlucky', { command: ['false'], retry: { limit: 1, backoff: '0s' } }));
  const { code } = await sandbox.river(
    'wait',
    'task/unlucky',
    '--for',
    'condition=Complete',
    '--timeout',
    '60s',
  );
  expect(code).toBe(1);
  const unlucky = await sandbox.runsOf('unlucky');
  expect(unlucky.map(({ status }) => status?.phase)).toEqual(['Failed', 'Failed']);
});

it('timeout ends a run; ttl takes that away with its output, not the task and what it used', async () => {
  const spec = { command: ['sleep', '600'], timeout: '200ms', ttlAfterFinished: '6s' };
  await sandbox.apply(task('brief', spec));
  await waitFor('brief', 'phase=Failed');
  expect((await sandbox.runOf('brief')).status).toMatchObject({
    phase: 'Failed',
    reason: 'DeadlineExceeded',
  });
  await eventually('no run of it', 30_000, async () => !(await sandbox.ok('get', 'runs')).includes('brief'));
  expect(await sandbox.ok('get', 'task', 'brief')).toMatch(/ Failed +0\/1 /);
  expect((await sandbox.river('logs', 'brief')).stderr).toContain('task/brief has no runs any more: ');
  expect(await sandbox.ok('usage')).toMatch(/\nbrief +1 /);
});

it('usage: what runs have used, also when they and their tasks are gone', async () => {
  const spec = {
    command: ['sh', '-c', 'n=0; while [ $n -lt 20000 ]; do n=$((n+1)); done'],
    resources: { cores: 0.5 },
  };
  for (const name of ['used-a', 'used-b']) {
    await sandbox.apply(task(name, spec));
    await waitFor(name, 'condition=Complete');
  }
  await sandbox.ok('rerun', 'used-a');
  await eventually('two runs', 30_000, async () => /used-a +2 /.test(await sandbox.ok('usage')));
  await sandbox.ok('delete', 'task/used-a', '--timeout', '60s');
  const table = await sandbox.ok('usage', '-o', 'wide', '--since', '1d');
  expect(table).toMatch(/^TASK +RUNS +CPU +CORE-TIME +MEMORY +WALL +UNSUCCESSFUL +UNMEASURED\n/);
  expect(table).toMatch(/\nused-a +2 +\d+\.\ds +\d+\.\ds +\S+ +\d+\.\ds +0 +0\n/);
  const { usage } = JSON.parse(await sandbox.ok('usage', '--by', 'node', '-o', 'json'));
  expect(usage).toHaveLength(1);
  expect(usage[0]).toMatchObject({ node: expect.any(String), cpuSeconds: expect.any(Number) });
  expect(usage[0].runs).toBeGreaterThanOrEqual(3);
  expect(await sandbox.ok('usage', '-n', 'nowhere')).toBe('');
});

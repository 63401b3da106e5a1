import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Node, Run } from '../../pkg/api/index.ts';
import { eventually, example, joinMachine, type Running, Sandbox, task } from './sandbox.ts';

/** Machines that are emptied, and one that is declared dead and comes back. */
const sandbox = new Sandbox();
const runners = new Map<string, Running>();

beforeAll(async () => {
  sandbox.write(
    'host.yaml',
    `stateDir: ${sandbox.path('host')}\nlisten: {port: 0}\nleaseDuration: 3s\ndefaults: {runtime: process}\n`,
  );
  const host = sandbox.start('host', ['--config', 'host.yaml']);
  await host.says('the host serves');
  const server = /"url":"([^"]+)"/.exec(host.stderr)?.[1] ?? '';
  for (const name of ['node1', 'node2']) {
    mkdirSync(sandbox.path(name));
    const runtimes = 'runtimes: {process: {enabled: true}, docker: {enabled: false}}';
    sandbox.write(`${name}.yaml`, `stateDir: ${sandbox.path(name)}\n${runtimes}\nstopGrace: 1s\n`);
    await joinMachine(sandbox, name, server);
    startRunner(name);
  }
  await eventually('two nodes', 30_000, async () => (await sandbox.ok('get', 'nodes')).includes('node2'));
  await sandbox.ok('wait', 'nodes', '--all', '--for', 'condition=Ready', '--timeout', '30s');
});

afterAll(() => sandbox.close());

function startRunner(name: string): void {
  runners.set(name, sandbox.start('runner', ['--config', `${name}.yaml`]));
}

async function runsOf(name: string): Promise<Run[]> {
  const { items } = await sandbox.object<{ items: Run[] }>('runs', '-l', `river.dev/task=${name}`);
  return items.sort((left, right) => left.spec.attempt - right.spec.attempt);
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

it('drain: what runs there is stopped and goes on elsewhere, uncounted', async () => {
  await sandbox.ok('apply', '-f', example('movable.yaml'));
  await sandbox.ok('wait', 'task/movable', '--for', 'phase=Running', '--timeout', '30s');
  const from = nodeOf((await runsOf('movable'))[0]);
  const said = await sandbox.ok('drain', from, '--timeout', '30s');
  expect(said).toMatch(
    new RegExp(
      `^node.river.dev/${from} cordoned\nrun/movable-\\S+ stopped\nnode.river.dev/${from} drained\n$`,
    ),
  );
  await eventually(
    'the next run',
    30_000,
    async () => (await runsOf('movable'))[1]?.status?.phase === 'Running',
  );
  const [first, second] = await runsOf('movable');
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
  const [run] = await runsOf('moved');
  const node = nodeOf(run);
  const alive = await sandbox.river('node', 'fence', node, '--yes');
  expect([alive.code, alive.stderr]).toEqual([1, expect.stringContaining(`is alive: river drain ${node}`)]);

  await runners.get(node)?.stop('SIGKILL');
  await sandbox.ok('wait', `node/${node}`, '--for', 'condition=Ready=Unknown', '--timeout', '30s');
  const asked = await sandbox.river('node', 'fence', node);
  expect([asked.code, asked.stderr]).toEqual([1, expect.stringContaining('its 1 run (')]);
  expect((await runsOf('moved')).map(({ status }) => status?.phase)).toEqual(['Lost']);
  expect(await sandbox.ok('node', 'fence', node, '--yes')).toBe(
    `node.river.dev/${node} fenced; 1 run fails with reason Fenced\n`,
  );
  await eventually(
    'the next run',
    30_000,
    async () => (await runsOf('moved'))[1]?.status?.phase === 'Running',
  );
  const [first, second] = await runsOf('moved');
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

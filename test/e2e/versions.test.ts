import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { bundle } from '../env/bundle.ts';
import { addressOf, joinMachine, processesOnly, startHost, writeRunnerConfig } from './machines.ts';
import { bundles, eventually, type Running, Sandbox, task } from './sandbox.ts';

/** A host and runners of other versions than its own: the same sources, each bundled with a version of its own. */
const hostVersion = '0.5.0';
const versions = { older: '0.4.3', newer: '0.6.0', far: '0.8.0' };
type Name = keyof typeof versions;
const folderOf = (version: string) => join(bundles, version);
const sandbox = new Sandbox();
let host: Running;
let server = '';

beforeAll(async () => {
  for (const version of [hostVersion, ...Object.values(versions)]) await bundle(folderOf(version), version);
  await start(hostVersion, 0);
  ({ server } = addressOf(host));
}, 120_000);

afterAll(() => sandbox.close());

async function start(version: string, port: number): Promise<void> {
  const lines = [`listen: {port: ${port}}`, 'leaseDuration: 3s', 'defaults: {runtime: process}'];
  host = await startHost(sandbox, lines, folderOf(version));
}

async function joinAs(name: Name): Promise<void> {
  mkdirSync(sandbox.path(name));
  writeRunnerConfig(sandbox, name, [processesOnly]);
  await joinMachine(sandbox, name, server);
}

function startRunner(name: Name, version: string = versions[name]): Running {
  return sandbox.start('runner', ['--config', `${name}.yaml`], {}, folderOf(version));
}

const says = (name: string) =>
  task(`on-${name}`, { targets: [name], command: ['echo', `hello from ${name}`] });

async function outputOf(name: Name): Promise<string> {
  await sandbox.ok('wait', `task/on-${name}`, '--for', 'condition=Complete', '--timeout', '30s');
  return sandbox.ok('logs', `task/on-${name}`);
}

it.each(['older', 'newer'] as const)(
  'a runner that is one minor version %s than the host works',
  async (name) => {
    await joinAs(name);
    startRunner(name);
    await eventually('the node', 30_000, async () => (await sandbox.river('get', 'node', name)).code === 0);
    const node = await sandbox.object<object>('node', name);
    expect(node).toMatchObject({ status: { versions: { river: versions[name] } } });
    await sandbox.apply(says(name));
    expect(await outputOf(name)).toContain(`hello from ${name}`);
  },
);

it('three apart: said by the Node and both logs, nothing new comes; it goes on with a runner that is near', async () => {
  await joinAs('far');
  const far = startRunner('far');
  await far.says('this runner takes no new runs');
  await host.says('a node takes no new runs: its runner is of another version');
  await sandbox.ok('wait', 'node/far', '--for', 'condition=VersionSkew', '--timeout', '30s');
  expect(await sandbox.ok('get', 'nodes')).toMatch(/far +NotReady,VersionSkew/);
  await sandbox.apply(says('far'));
  await sandbox.ok('wait', 'task/on-far', '--for', 'condition=Scheduled=False', '--timeout', '30s');
  expect(await sandbox.ok('describe', 'task/on-far')).toContain('not Ready (VersionSkew)');
  await far.stop();
  startRunner('far', versions.newer);
  expect(await outputOf('far')).toContain('hello from far');
});

it('a host that is upgraded too far: what runs on an old runner ends and is reported, nothing new comes', async () => {
  const file = sandbox.path('go');
  const command = ['sh', '-c', `while [ ! -e ${file} ]; do sleep 0.05; done; exit 7`];
  await sandbox.apply(task('kept', { targets: ['older'], command }));
  await sandbox.ok('wait', 'task/kept', '--for', 'phase=Running', '--timeout', '30s');
  await host.stop();
  await start(versions.far, addressOf(host).port);
  await sandbox.ok('wait', 'node/older', '--for', 'condition=VersionSkew', '--timeout', '30s');
  sandbox.write('go', '');
  await sandbox.ok('wait', 'task/kept', '--for', 'phase=Failed', '--timeout', '30s');
  expect(await sandbox.ok('get', 'runs', '-l', 'river.dev/task=kept')).toContain('7');
  expect(await sandbox.ok('get', 'nodes')).toMatch(/older +NotReady,VersionSkew/);
});

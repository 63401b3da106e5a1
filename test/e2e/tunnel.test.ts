import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Node } from '../../pkg/api/index.ts';
import { addressOf, joinMachine, processesOnly, startHost, writeRunnerConfig } from './machines.ts';
import { type Running, Sandbox, task } from './sandbox.ts';

/** river-host and two river-runners that share no directory: output comes through the tunnel of each. */
const sandbox = new Sandbox();
const runners: Record<string, Running> = {};
let host: Running;

beforeAll(async () => {
  await start();
  for (const name of ['node1', 'node2']) {
    writeRunnerConfig(sandbox, name, [processesOnly]);
    await joinMachine(sandbox, name, addressOf(host).server);
    await startRunner(name);
  }
});

afterAll(() => sandbox.close());

async function start({ port = 0, gatewayPort = 0 } = {}): Promise<void> {
  const ports = [`listen: {port: ${port}}`, `gateway: {port: ${gatewayPort}}`];
  host = await startHost(sandbox, [...ports, 'leaseDuration: 3s', 'defaults: {runtime: process}']);
}

/** The same host again, where its runners look for it. */
async function restartHost(): Promise<void> {
  await host.stop('SIGKILL');
  await start(addressOf(host));
}

async function startRunner(name: string): Promise<void> {
  const runner = sandbox.start('runner', ['--config', `${name}.yaml`]);
  runners[name] = runner;
  await runner.says('the tunnel to the host is open');
}

async function finished(name: string, spec: object): Promise<void> {
  await sandbox.apply(task(name, spec));
  await sandbox.ok('wait', `task/${name}`, '--for', 'condition=Complete', '--timeout', '60s');
}

/** A program that says what it reads from its gates, one after the other. */
function gated(count: number, name: string): string[] {
  const wait = (index: number) =>
    `while [ ! -e ${sandbox.path(`${name}-${index}`)} ]; do sleep 0.02; done; echo line ${index}`;
  return [
    'sh',
    '-c',
    ['echo line 0', ...Array.from({ length: count }, (_, index) => wait(index + 1))].join('; '),
  ];
}

const open = (name: string, index: number) => sandbox.write(`${name}-${index}`, '');

/** The most that a process has had in memory since this call, KiB. */
function memoryOf({ child }: Running): { peak: () => number } {
  writeFileSync(`/proc/${child.pid}/clear_refs`, '5');
  return {
    peak: () => Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1]),
  };
}

it('has made keys for their owner only, and the host knows those of the nodes', async () => {
  for (const file of ['host/gateway.key', 'node1/node.key', 'node2/node.key'])
    expect(statSync(sandbox.path(file)).mode & 0o777, file).toBe(0o600);
  const { items } = await sandbox.object<{ items: Node[] }>('nodes');
  const keys = items.map(({ status }) => status?.sshKey);
  for (const key of keys) expect(key).toMatch(/^ssh-ed25519 /);
  expect(new Set(keys).size).toBe(2);
});

it('the output of runs that have ended, from both nodes, whole and its last lines', async () => {
  await finished('both', {
    targets: ['node1', 'node2'],
    command: ['sh', '-c', 'echo one; echo two; echo bad >&2'],
  });
  const lines = (await sandbox.ok('logs', 'task/both')).trim().split('\n');
  expect(lines.filter((line) => line.endsWith(' one'))).toHaveLength(2);
  expect(lines.filter((line) => line.endsWith(' two'))).toHaveLength(2);
  for (const { metadata } of await sandbox.runsOf('both')) {
    const run = `run/${metadata.name}`;
    expect(await sandbox.ok('logs', run, '--tail', '1', '--stream', 'stdout')).toBe('two\n');
    const { stdout, stderr } = await sandbox.river('logs', run, '--stream', 'stderr');
    expect([stdout, stderr]).toEqual(['', 'bad\n']);
  }
});

it('follows a run, also while host and runner are killed and come back', async () => {
  await sandbox.apply(task('followed', { targets: ['node1'], command: gated(4, 'followed') }));
  const logs = sandbox.start('river', ['logs', '-f', 'task/followed']);
  await logs.says('line 0');
  open('followed', 1);
  await logs.says('line 1');
  await runners.node1?.stop('SIGKILL');
  open('followed', 2);
  await startRunner('node1');
  await logs.says('line 2');
  await restartHost();
  open('followed', 3);
  await logs.says('line 3');
  await runners.node1?.stop('SIGTERM');
  await restartHost();
  await startRunner('node1');
  open('followed', 4);
  expect(await logs.ended).toBe(0);
  expect(logs.stdout).toBe('line 0\nline 1\nline 2\nline 3\nline 4\n');
});

it('300 MB of output, in little memory on both sides', async () => {
  const size = 300 * 2 ** 20;
  const command = ['sh', '-c', `head -c ${size} /dev/zero | tr '\\0' x`];
  await finished('big', { targets: ['node2'], command });
  const watched = [host, runners.node2 as Running].map(memoryOf);
  const before = watched.map(({ peak }) => peak());
  const logs = sandbox.start('river', ['logs', 'task/big']);
  let bytes = 0;
  logs.child.stdout?.removeAllListeners('data').on('data', (chunk: Buffer) => {
    bytes += chunk.length;
  });
  expect(await logs.ended).toBe(0);
  expect(bytes).toBe(size);
  for (const [index, { peak }] of watched.entries())
    expect(peak() - (before[index] ?? 0)).toBeLessThan(120_000);
});

it('says on which node the output is when that is away', async () => {
  await finished('away', { targets: ['node2'], command: ['echo', 'here'] });
  await runners.node2?.stop('SIGKILL');
  await sandbox.ok('wait', 'node/node2', '--for', 'condition=Ready=Unknown', '--timeout', '30s');
  const { code, stderr } = await sandbox.river('logs', 'task/away');
  expect(code).not.toBe(0);
  expect(stderr).toMatch(
    /the output of run away-\S+ is on node node2, which is not connected \(last seen 20/,
  );
  await startRunner('node2');
  expect(await sandbox.ok('logs', 'task/away')).toBe('here\n');
});

it('a runner that has lost its key brings another one at its next start', async () => {
  await runners.node2?.stop('SIGTERM');
  const before = await sandbox.object<Node>('node', 'node2');
  rmSync(sandbox.path('node2/node.key'));
  await startRunner('node2');
  const after = await sandbox.object<Node>('node', 'node2');
  expect(after.status?.sshKey).not.toBe(before.status?.sshKey);
  expect(await sandbox.ok('logs', 'task/away')).toBe('here\n');
});

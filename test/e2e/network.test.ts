import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { getCondition, type Node } from '../../pkg/api/index.ts';
import { realClock, realRng, seededRng, sleep } from '../../pkg/base/index.ts';
import { type TestNetwork, withNetwork } from '../env/network.ts';
import { addressOf, joinMachine, processesOnly, startHost, writeRunnerConfig } from './machines.ts';
import { eventually, type Running, Sandbox, task } from './sandbox.ts';

/** A host, two nodes and a person's desk, each with an address of its own, on a network that breaks. */
/** Between two looks at a node that must stay Ready all the time. */
const sampleMs = 200;

const nodes = ['node1', 'node2'] as const;
const found = await withNetwork(['host', 'desk', ...nodes]);
const network = found as TestNetwork;
const sandbox = new Sandbox();
let host: Running;
let ports = { api: 0, gateway: 0 };
/** Heartbeats are tried again after 3 s at most, watches after 15 s: what takes longer hangs. */
const soonMs = 60_000;

afterAll(async () => {
  await sandbox.close();
  await found?.remove();
});

/** What `start` begins at once is on that machine. */
function on<T>(machine: string, start: () => T): T {
  const before = sandbox.by;
  sandbox.by = network.inside(machine);
  const started = start();
  sandbox.by = before;
  return started;
}

async function start(): Promise<string> {
  const lines = [
    `listen: {address: ${network.addressOf('host')}, port: ${ports.api}}`,
    `gateway: {port: ${ports.gateway}}`,
    'leaseDuration: 5s',
    'defaults: {runtime: process}',
  ];
  host = await on('host', () => startHost(sandbox, lines));
  const { server, port, gatewayPort } = addressOf(host);
  ports = { api: port, gateway: gatewayPort };
  return server;
}

/** A program that notes its start, says `one`, waits for its gate, says `two` and ends with 7. */
function gated(name: string, node: string): object {
  const script = `echo ${name} >>${sandbox.path('starts')}; echo one; while [ ! -e ${sandbox.path(name)} ]; do sleep 0.05; done; echo two; exit 7`;
  return task(name, { targets: [node], command: ['sh', '-c', script], resources: { cores: 0 } });
}

const open = (name: string) => sandbox.write(name, '');
const wait = (what: string, condition: string) =>
  sandbox.ok('wait', what, '--for', condition, '--timeout', `${soonMs / 1000}s`);

/** How often each program was started. */
function startsOf(name: string): number {
  const lines = readFileSync(sandbox.path('starts'), 'utf8').split('\n');
  return lines.filter((line) => line === name).length;
}

/**
 * That the host's kernel takes for open ones and that have nothing on the way (which it gives up by itself in the end): state
 * 01 of its table, addresses as hexadecimal little-endian numbers.
 */
function idleConnectionsWith(machine: string): number {
  const bytes = network.addressOf(machine).split('.').reverse();
  const address = bytes.map((byte) => Number(byte).toString(16).padStart(2, '0').toUpperCase()).join('');
  const table = readFileSync(`/proc/${host.child.pid}/net/tcp`, 'utf8');
  return table.match(new RegExp(` ${address}:[0-9A-F]{4} 01 00000000:`, 'g'))?.length ?? 0;
}

async function isReady(name: string): Promise<boolean> {
  const node = await sandbox.object<Node>('node', name);
  return getCondition(node.status?.conditions, 'Ready')?.status === 'True';
}

describe.skipIf(!found)('a network that breaks', () => {
  beforeAll(async () => {
    sandbox.by = network.inside('desk');
    const server = await start();
    for (const name of nodes) {
      writeRunnerConfig(sandbox, name, [processesOnly]);
      await joinMachine(sandbox, name, server);
      const runner = on(name, () => sandbox.start('runner', ['--config', `${name}.yaml`]));
      await runner.says('the tunnel to the host is open');
    }
  });

  const cuts = [
    ['a pulled cable', 'pull', 'plug'],
    ['a switch that forwards nothing', 'silence', 'unsilence'],
  ] as const;

  it.each(cuts)('%s: Lost after the lease, work goes on, its result comes once', async (_what, cut, mend) => {
    const name = `cut-${cut}`;
    await sandbox.apply(gated(name, 'node1'));
    await wait(`task/${name}`, 'phase=Running');
    const follower = sandbox.start('river', ['logs', '-f', `task/${name}`]);
    await follower.says('one');
    await network[cut]('node1');
    await wait('node/node1', 'condition=Ready=Unknown');
    expect((await sandbox.runsOf(name)).map((run) => run.status?.phase)).toEqual(['Lost']);
    open(name);
    await sandbox.apply(gated(`${name}-other`, 'node2'));
    open(`${name}-other`);
    await wait(`task/${name}-other`, 'phase=Failed');
    await network[mend]('node1');
    await wait('node/node1', 'condition=Ready');
    await wait(`task/${name}`, 'phase=Failed');
    expect((await sandbox.runsOf(name)).map((run) => [run.status?.phase, run.status?.exitCode])).toEqual([
      ['Failed', 7],
    ]);
    expect(await follower.ended).toBe(0);
    expect(follower.stdout).toBe('one\ntwo\n');
    // The node is Ready before its tunnel is open again; a reader waits for that.
    await eventually('the tunnel', soonMs, async () => (await sandbox.ok('logs', name)) === 'one\ntwo\n');
    expect([startsOf(name), startsOf(`${name}-other`)]).toEqual([1, 1]);
  });

  it('a host that loses its power while a node and a reader are cut off: both find the new one', async () => {
    await sandbox.apply(gated('half-open', 'node1'));
    await wait('task/half-open', 'phase=Running');
    const follower = sandbox.start('river', ['logs', '-f', 'task/half-open']);
    await follower.says('one');
    sandbox.by = network.inside('host');
    await network.dieSilently('host');
    for (const name of ['node1', 'desk']) await network.silence(name);
    await host.stop('SIGKILL');
    await start();
    await wait('node/node1', 'condition=Ready=Unknown');
    for (const name of ['node1', 'desk']) await network.unsilence(name);
    sandbox.by = network.inside('desk');
    await wait('node/node1', 'condition=Ready');
    open('half-open');
    await wait('task/half-open', 'phase=Failed');
    const late = setTimeout(() => follower.child.kill('SIGKILL'), soonMs);
    expect(await follower.ended).toBe(0);
    clearTimeout(late);
    expect(follower.stdout).toBe('one\ntwo\n');
    expect(startsOf('half-open')).toBe(1);
  });

  it('a reader that loses its power is let go of', async () => {
    await sandbox.apply(gated('unread', 'node2'));
    const follower = sandbox.start('river', ['logs', '-f', 'task/unread']);
    await follower.says('one');
    expect(idleConnectionsWith('desk')).toBeGreaterThan(0);
    await network.dieSilently('desk');
    await network.silence('desk');
    await follower.stop('SIGKILL');
    await eventually('the host to notice', soonMs, () => idleConnectionsWith('desk') === 0);
    await network.unsilence('desk');
    open('unread');
    await wait('task/unread', 'phase=Failed');
  });

  it('flapping links: every program once, every line once', async () => {
    const seed = realRng.below(1_000_000);
    console.log(`seed ${seed}`);
    const rng = seededRng(seed);
    const names = Array.from({ length: 12 }, (_, index) => `flap-${index}`);
    let flapping = true;
    const flap = async () => {
      while (flapping) {
        const node = nodes[rng.below(nodes.length)] ?? 'node1';
        const [, cut, mend] = cuts[rng.below(cuts.length)] ?? cuts[0];
        await network[cut](node);
        await sleep(realClock, rng.next() * 1500);
        await network[mend](node);
        await sleep(realClock, rng.next() * 1500);
      }
    };
    const flaps = flap();
    const lines = Array.from({ length: 40 }, (_, index) => `${index}\n`).join('');
    const followers: Running[] = [];
    for (const name of names) {
      const script = `echo ${name} >>${sandbox.path('starts')}; i=0; while [ $i -lt 40 ]; do echo $i; i=$((i + 1)); sleep 0.1; done`;
      await sandbox.apply(task(name, { command: ['sh', '-c', script], resources: { cores: 0 } }));
      followers.push(sandbox.start('river', ['logs', '-f', `task/${name}`]));
    }
    await eventually('all to end', soonMs * 2, async () => {
      const runs = await Promise.all(names.map((name) => sandbox.runsOf(name)));
      return runs.every(([run]) => run?.status?.phase === 'Succeeded');
    });
    flapping = false;
    await flaps;
    for (const [index, name] of names.entries()) {
      expect(await followers[index]?.ended).toBe(0);
      expect(followers[index]?.stdout).toBe(lines);
      expect([startsOf(name), (await sandbox.runsOf(name)).length]).toEqual([1, 1]);
    }
  });

  it('a slow line that output fills: the node stays Ready, the output is whole', async () => {
    await wait('node/node1', 'condition=Ready');
    const size = 300_000;
    const command = ['sh', '-c', `head -c ${size} /dev/zero | tr '\\0' x`];
    await sandbox.apply(task('slow', { targets: ['node1'], command, resources: { cores: 0 } }));
    await wait('task/slow', 'condition=Complete');
    await network.slowDown('node1', '256kbit');
    const reader = sandbox.start('river', ['logs', 'task/slow']);
    const seen: boolean[] = [];
    while (reader.alive) {
      seen.push(await isReady('node1'));
      await sleep(realClock, sampleMs);
    }
    await network.speedUp('node1');
    expect(await reader.ended).toBe(0);
    expect(reader.stdout.length).toBe(size);
    expect(seen).not.toContain(false);
  });
});

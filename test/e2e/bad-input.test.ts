import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Node, TaskSpec } from '../../pkg/api/index.ts';
import { Sandbox, task } from './sandbox.ts';

/** Without what GPUs the machine of the tests may have. */
const sandbox = new Sandbox({ RIVER_RUNNER_TOPOLOGY_GPUS: '[]' });

beforeAll(async () => {
  await sandbox.dev();
});

afterAll(() => sandbox.close());

const good = 'apiVersion: river.dev/v1\nkind: Task\nmetadata:\n  name: good\nspec:\n  command: ["true"]\n';
const bad = (spec: string, name = 'bad') =>
  `apiVersion: river.dev/v1\nkind: Task\nmetadata:\n  name: ${name}\nspec:\n${spec}`;

describe('a file that is not good', () => {
  const cases: [string, string, RegExp][] = [
    ['wrong YAML', `${good}---\na: [1\n`, /^bad\.yaml:\d+:\d+: /],
    [
      'an unknown field',
      `${good}---\n${bad('  comand: [a]\n')}`,
      /^bad\.yaml:13:3: spec\.comand: unknown field.*command/m,
    ],
    [
      'a wrong type',
      `${good}---\n${bad('  command: echo hi\n')}`,
      /^bad\.yaml:13:3: spec\.command: must be a list/m,
    ],
    [
      'a bad quantity',
      `${good}---\n${bad('  command: [a]\n  resources: {memory: 4Q}\n')}`,
      /^bad\.yaml:14:15: spec\.resources\.memory: .*4Q/m,
    ],
    [
      'an unknown kind',
      `${good}---\napiVersion: river.dev/v1\nkind: Tusk\nmetadata: {name: a}\n`,
      /^bad\.yaml:9:1: kind: .*Task/m,
    ],
    [
      'the same name twice',
      `${good}---\n${good}`,
      /^bad\.yaml:11:3: metadata\.name: .*already at bad\.yaml:4:3/m,
    ],
    [
      'two of command, script',
      `${good}---\n${bad('  command: [a]\n  script: b\n')}`,
      /^bad\.yaml:\d+:\d+: spec\./m,
    ],
  ];

  const wish = (text: string) => bad(`  command: [a]\n  ${text}\n`);
  const impossible: typeof cases = [
    [
      'the same GPU twice',
      wish('targets: ["n1::0,0"]'),
      /^bad\.yaml:7:13: spec\.targets\[0\]: names GPU 0 twice/,
    ],
    [
      'the same place twice',
      wish('targets: ["n1:0", "n1:0"]'),
      /^bad\.yaml:7:21: spec\.targets\[1\]: is the same place as targets\[0\]/,
    ],
    ['no target', wish('targets: ["n1:"]'), /^bad\.yaml:7:13: spec\.targets\[0\]: must be node, node:NUMA/],
    [
      'a target and needs that contradict',
      wish('targets: ["n1::0,1"]\n  resources: {gpus: 1}'),
      /^bad\.yaml:7:13: spec\.targets\[0\]: names 2 GPUs, and resources\.gpus asks for 1/,
    ],
    [
      'half a CPU to pin',
      wish('resources: {cores: 0.5, pin: true}'),
      /^bad\.yaml:7:15: spec\.resources\.cores: must be a whole number from 1 where pin is true/,
    ],
    ['a span that is none', wish('args: ["span:[1,"]'), /^bad\.yaml:7:10: spec\.args\[0\]: /],
    [
      'spans that multiply past the limit',
      wish('args: ["span:{1..200}", "span:{1..200}"]'),
      /^bad\.yaml:7:10: spec\.args\[0\]: the spans multiply to 40000 runs, at most 10000 are made/,
    ],
    [
      'a share of a GPU without an amount',
      wish('resources: {gpus: {shared: true}}'),
      /^bad\.yaml:7:\d+: spec\.resources\.gpus\.memory: is required where shared is true/,
    ],
  ];

  it.each([...cases, ...impossible])('%s: where, what, and nothing is sent', async (_what, text, message) => {
    sandbox.write('bad.yaml', text);
    const { code, stdout, stderr } = await sandbox.river('apply', '-f', 'bad.yaml');
    expect(stderr).toMatch(message);
    expect([code, stdout]).toEqual([2, '']);
    expect((await sandbox.river('get', 'task', 'good')).code).toBe(1);
  });

  /** It may join yet: the Task is taken, and its run says why it waits. */
  it('what no node has now is a warning, and the reason that its run waits', async () => {
    const node = (await sandbox.object<{ items: Node[] }>('nodes')).items[0] as Node;
    const [name = '', cores = 0] = [node.metadata.name, node.status?.allocatable?.cores];
    const most = (field: string, reason: string) =>
      `spec.resources.${field}: more than any node has; the most is on ${name}, which ${reason}`;
    const wishes: [Partial<TaskSpec>, string, string][] = [
      [
        { targets: [`${name}:7`] },
        `spec.targets[0]: node ${name} has no NUMA node 7; it has 0`,
        'has no NUMA node 7',
      ],
      [{ targets: [`${name}::3`] }, `spec.targets[0]: node ${name} has no GPU`, 'has no GPU'],
      [{ targets: ['elsewhere'] }, 'spec.targets[0]: there is no node elsewhere yet', 'elsewhere'],
      [{ resources: { cores: 999 } }, most('cores', `has ${cores} cores, needs 999`), `has ${cores} cores`],
      [{ resources: { memory: '900Ti' } }, most('memory', 'has '), 'needs 900Ti'],
      [{ resources: { gpus: 8 } }, most('gpus', 'has no GPU'), 'has no GPU'],
    ];
    for (const [index, [spec, warning, reason]] of wishes.entries()) {
      const wish = task(`wish-${index}`, { command: ['true'], runtime: 'process', ...spec });
      sandbox.write('wish.yaml', JSON.stringify(wish));
      const { code, stderr } = await sandbox.river('apply', '-f', 'wish.yaml');
      expect([code, stderr]).toEqual([
        0,
        expect.stringContaining(`warning: task.river.dev/wish-${index}: ${warning}`),
      ]);
      await sandbox.ok(
        'wait',
        `task/wish-${index}`,
        '--for',
        'condition=Scheduled=False',
        '--timeout',
        '30s',
      );
      expect(await sandbox.ok('describe', `task/wish-${index}`)).toContain(reason);
    }
    await sandbox.ok('delete', 'tasks', '--all');
  });

  it('is told before the host is asked for', async () => {
    sandbox.write('bad.yaml', bad('  comand: [a]\n'));
    const { code, stderr } = await sandbox.river('apply', '-f', 'bad.yaml', '--config', '/nonexistent');
    expect([code, stderr]).toEqual([2, expect.stringContaining('bad.yaml:6:3: spec.comand:')]);
  });
});

describe('one clear sentence', () => {
  const oneLine = /^river: [^\n]+\n$/;

  it('host not reachable', async () => {
    const config = sandbox.write('unreachable', kubeconfig('https://127.0.0.1:9', 'x'));
    const { code, stderr } = await sandbox.river('get', 'tasks', '--config', config);
    expect([code, stderr]).toEqual([
      3,
      expect.stringMatching(/^river: cannot reach the host at https:\/\/127\.0\.0\.1:9: [^\n]+\n$/),
    ]);
  });

  it('wrong token', async () => {
    const server =
      (await sandbox.river('get', 'nodes')).code === 0 ? (await sandbox.kubeconfig()).server : '';
    const config = sandbox.write('wrong-token', kubeconfig(server, 'river_x.y'));
    const { code, stderr } = await sandbox.river('get', 'tasks', '--config', config);
    expect([code, stderr]).toEqual([3, expect.stringMatching(/does not accept this token/)]);
    expect(stderr).toMatch(oneLine);
  });

  it('port taken', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const address = server.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    const dev = sandbox.start('river', ['dev', '--port', String(port), '--state-dir', sandbox.path('other')]);
    expect(await dev.ended).toBe(1);
    expect(dev.stderr).toMatch(/^river: [^\n]*port[^\n]+\n$/);
    server.close();
  });

  it('state directory in use', async () => {
    const dev = sandbox.start('river', ['dev', '--port', '0']);
    expect(await dev.ended).toBe(1);
    expect(dev.stderr).toMatch(/^river: [^\n]*in use[^\n]+\n$/);
  });

  it('state directory of a newer version', async () => {
    const other = new Sandbox();
    const stateDir = other.path('newer');
    const first = await other.dev('--state-dir', stateDir);
    await first.stop();
    const { default: Database } = await import('better-sqlite3');
    const { storeFiles } = await import('../../pkg/store/index.ts');
    const database = new Database(join(stateDir, 'host', storeFiles[0] ?? ''));
    database.exec("UPDATE meta SET value = '999' WHERE key = 'schema'");
    database.close();
    const second = other.start('river', ['dev', '--port', '0', '--state-dir', stateDir]);
    expect(await second.ended).toBe(1);
    expect(second.stderr).toMatch(/^river: [^\n]*newer[^\n]+\n$/);
    await other.close();
  });

  it('wrong words and flags', async () => {
    for (const words of [
      ['get'],
      ['get', 'pods'],
      ['apply'],
      ['apply', '-f', 'none.yaml'],
      ['frobnicate'],
      ['wait', 'task/a', '--for', 'x'],
      ['wait', 'task/a', '--for', 'delete', '--timeout', 'soon'],
      ['apply', '-f', 'a.yaml', 'b.yaml'],
      ['describe'],
      ['logs'],
    ]) {
      const { code, stderr } = await sandbox.river(...words);
      expect([words, code]).toEqual([words, 2]);
      expect(stderr).toMatch(/^river: /);
    }
    for (const [flag, ...words] of [
      ['--timeout', 'delete', 'tasks', '--all', '--timeout'],
      ['--since', 'usage', '--since'],
      ['--expires', 'token', 'create', '--node', 'n1', '--expires'],
    ]) {
      const { code, stderr } = await sandbox.river(...words, 'soon');
      expect([code, stderr]).toEqual([
        2,
        expect.stringMatching(`^river: ${flag} must be a time span [^\n]+ found soon\n$`),
      ]);
    }
    expect((await sandbox.river('apply', '-f', 'a.yaml', 'b.yaml')).stderr).toContain('b.yaml needs a -f');
  });
});

it('a wrong --timeout deletes nothing', async () => {
  await sandbox.apply(task('stays', { command: ['true'] }));
  expect((await sandbox.river('delete', 'task', 'stays', '--timeout', 'soon')).code).toBe(2);
  expect(await sandbox.ok('get', 'task', 'stays', '-o', 'name')).toBe('task.river.dev/stays\n');
});

it('a selector that no task has is told', async () => {
  for (const verb of ['pause', 'resume', 'stop', 'rerun']) {
    const { code, stderr } = await sandbox.river(verb, '-l', 'no=such');
    expect([code, stderr]).toEqual([0, 'river: no task matches; nothing was changed\n']);
  }
});

it('a reader that has gone ends a command quietly', async () => {
  await sandbox.apply(task('many', { command: ['seq', '1', '200000'] }));
  await sandbox.ok('wait', 'task/many', '--for', 'condition=Complete', '--timeout', '30s');
  const logs = sandbox.start('river', ['logs', 'many']);
  logs.child.stdout?.once('data', () => logs.child.stdout?.destroy());
  await logs.ended;
  expect(logs.stderr).toBe('');
});

/** With the authority of this test's host: what is wrong is something else. */
function kubeconfig(server: string, token: string): string {
  const mine = readFileSync(join(sandbox.home, '.river/config'), 'utf8');
  const trusted = /certificate-authority-data: (\S+)/.exec(mine)?.[1];
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'a', cluster: { server, 'certificate-authority-data': trusted } }],
    users: [{ name: 'a', user: { token } }],
    contexts: [{ name: 'a', context: { cluster: 'a', user: 'a' } }],
    'current-context': 'a',
  });
}

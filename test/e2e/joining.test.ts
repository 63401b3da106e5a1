import { X509Certificate } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { userInfo } from 'node:os';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { addressOf, joinMachine, processesOnly, startHost } from './machines.ts';
import { eventually, type Outcome, type Running, Sandbox, task } from './sandbox.ts';

/** How machines become nodes of a host, and who does not. */
const sandbox = new Sandbox();
const other = new Sandbox();
let host: Running;
let server = '';
const lines = ['listen: {port: 0}', 'leaseDuration: 3s'];

beforeAll(async () => {
  host = await startHost(sandbox, lines);
  ({ server } = addressOf(host));
});

afterAll(async () => {
  await sandbox.close();
  await other.close();
});

const newToken = async (node: string, ...flags: string[]) =>
  (await sandbox.ok('token', 'create', '--node', node, ...flags)).trim();

function writeConfig(machine: string): void {
  sandbox.write(`${machine}.yaml`, `# of ${machine}\nstateDir: ${sandbox.path(machine)}\n${processesOnly}\n`);
}

/** `river-runner join` on the machine of that name, which has a directory of its own. */
function join(
  machine: string,
  token: string,
  { url = server, flags = [] as string[] } = {},
): Promise<Outcome> {
  return sandbox.run('runner', ['join', url, token, ...flags, '--config', `${machine}.yaml`]);
}

const refusal = async (outcome: Promise<Outcome>) => {
  const { code, stderr } = await outcome;
  expect(code).toBe(1);
  expect(stderr).toMatch(/^river-runner: [^\n]+\n$/);
  return stderr;
};

it('two commands make a machine a node, which then works', async () => {
  writeConfig('node1');
  await joinMachine(sandbox, 'node1', server);
  expect(readFileSync(sandbox.path('node1.yaml'), 'utf8')).toBe(
    `# of node1\nstateDir: ${sandbox.path('node1')}\n${processesOnly}\nhost: ${server}\nname: node1\n`,
  );
  expect(statSync(sandbox.path('node1/identity/node.pem')).mode & 0o777).toBe(0o600);
  sandbox.start('runner', ['--config', 'node1.yaml']);
  await host.says('"node":"node1"');
  await sandbox.apply(task('hello', { command: ['echo', 'hello'], runtime: 'process' }));
  await sandbox.ok('wait', 'task/hello', '--for', 'condition=Complete', '--timeout', '30s');
  expect((await sandbox.runOf('hello')).spec.placement?.node).toBe('node1');
});

it('a token is for one machine, and for one name', async () => {
  const token = await newToken('node2');
  for (const machine of ['node2', 'thief']) writeConfig(machine);
  expect((await join('node2', token)).code).toBe(0);
  expect((await join('node2', token)).code).toBe(0);
  expect(await refusal(join('thief', token))).toContain('the join token has been used');
  await host.says('join refused');
  expect(host.stderr).toMatch(
    /"node":"node2","remote":"127\.0\.0\.1","reason":"the join token has been used/,
  );
});

it('a token that is wrong or has ended lets nobody in', async () => {
  writeConfig('late');
  const token = await newToken('late', '--expires', '1ms');
  expect(await refusal(join('late', token))).toContain('the join token has expired; get one with');
  expect(await refusal(join('late', 'river_join_x'))).toContain('this is no join token');
  const good = await newToken('late');
  expect(await refusal(join('late', `${good.slice(0, -4)}AAAA`))).toContain('not one of this host');
  for (const url of [server.replace('https', 'http'), server.replace('https://', ''), `${server}/x`])
    expect(await refusal(join('late', good, { url }))).toBe(
      `river-runner: the address of the host must be as in https://lab.example:8000; found "${url}"\n`,
    );
});

it('a taken name needs a token that may replace it; the machine that had it is out', async () => {
  writeConfig('first');
  await joinMachine(sandbox, 'first', server);
  writeConfig('second');
  const plain = await newToken('first');
  expect(await refusal(join('second', plain))).toMatch(
    /belongs to a machine that joined at .* --node first --replace/,
  );
  const runner = sandbox.start('runner', ['--config', 'first.yaml']);
  await sandbox.ok('wait', 'node/first', '--for', 'condition=Ready', '--timeout', '30s').catch(() => '');
  expect((await join('second', await newToken('first', '--replace'))).code).toBe(0);
  expect(await runner.ended).toBe(1);
  expect(runner.stderr).toContain(
    'does not accept this machine: this key is not the one of node first any more',
  );
});

const hostSaid = (...words: string[]) =>
  host.stderr.split('\n').some((line) => words.every((word) => line.includes(word)));

it('a machine that is revoked is out at once, with its tunnel; another may join under the name', async () => {
  for (const machine of ['doomed', 'heir']) writeConfig(machine);
  await joinMachine(sandbox, 'doomed', server);
  const runner = sandbox.start('runner', ['--config', 'doomed.yaml']);
  await eventually('its tunnel', 30_000, () => hostSaid('the tunnel of a node is open', 'doomed'));
  const asked = await sandbox.river('node', 'revoke', 'doomed');
  expect([asked.code, asked.stderr]).toEqual([1, expect.stringContaining('repeat with --yes')]);
  expect(await sandbox.ok('node', 'revoke', 'doomed', '--yes')).toBe('node.river.dev/doomed revoked\n');
  await eventually('who did it', 30_000, () =>
    hostSaid('was revoked', 'doomed', `"by":"${userInfo().username}"`),
  );
  expect(await runner.ended).toBe(1);
  expect(runner.stderr).toContain('this key is not the one of node doomed any more');
  await eventually('its end', 30_000, () => hostSaid('the tunnel of a node was closed', 'doomed'));
  const again = await sandbox.river('node', 'revoke', 'doomed', '--yes');
  expect([again.code, again.stderr]).toEqual([
    1,
    expect.stringContaining('no machine has joined as node doomed'),
  ]);
  expect((await join('heir', await newToken('doomed'))).code).toBe(0);
});

it('a machine that is a node already becomes another one only with --replace', async () => {
  const token = await newToken('renamed');
  expect(await refusal(join('node2', token))).toContain('this machine is node node2 of this host already');
  expect((await join('node2', token, { flags: ['--replace'] })).code).toBe(0);
});

it('a host that did not make the token gets nothing', async () => {
  const stranger = await startHost(other, lines);
  writeConfig('careful');
  const token = await newToken('careful');
  const said = await refusal(join('careful', token, { url: addressOf(stranger).server }));
  expect(said).toContain('is not the one that made this token');
  expect(stranger.stderr).not.toContain('join refused');
});

it('a config of another host is told, and its token does not leave the machine', async () => {
  const mine = readFileSync(sandbox.path('home/.river/config'), 'utf8');
  const stranger = /server: (\S+)/.exec(readFileSync(other.path('home/.river/config'), 'utf8'))?.[1] ?? '';
  const config = sandbox.write('moved', mine.replace(/server: \S+/, `server: ${stranger}`));
  const { code, stderr } = await sandbox.river('get', 'nodes', '--config', config);
  expect(code).toBe(3);
  expect(stderr).toContain('is not the one this config was made for');
});

it('nothing is sent over plain http', async () => {
  let bytes = 0;
  const listener = createServer((socket) => socket.on('data', (data) => (bytes += data.length)));
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  const address = listener.address();
  const port = typeof address === 'object' ? address?.port : 0;
  const mine = readFileSync(sandbox.path('home/.river/config'), 'utf8');
  const config = sandbox.write('plain', mine.replace(/server: \S+/, `server: http://127.0.0.1:${port}`));
  const { code, stderr } = await sandbox.river('get', 'nodes', '--config', config);
  listener.close();
  expect([code, stderr]).toEqual([
    3,
    expect.stringContaining('a token is never sent so: write https://HOST:PORT'),
  ]);
  expect(bytes).toBe(0);
});

it('a machine that has not joined, or under another name, says what to do', async () => {
  writeConfig('new');
  sandbox.write('new.yaml', `host: ${server}\nstateDir: ${sandbox.path('new')}\nlogLevel: silent\n`);
  const { code, stderr } = await sandbox.run('runner', ['--config', 'new.yaml']);
  expect([code, stderr]).toEqual([1, expect.stringContaining('this machine has not joined a host yet')]);
  sandbox.write('other.yaml', `host: ${server}\nname: other\nstateDir: ${sandbox.path('node1')}\n`);
  const other = await sandbox.run('runner', ['--config', 'other.yaml']);
  expect([other.code, other.stderr]).toEqual([1, expect.stringContaining('has joined as node node1, and')]);
});

it('a person on another machine gets a config file, for a name of the certificate only', async () => {
  const args = ['--config', 'host.yaml', 'token', '--admin', 'ann', '--server'];
  const port = new URL(server).port;
  const made = await sandbox.run('host', [...args, `https://localhost:${port}`, '--expires', '1h']);
  const config = sandbox.write('ann', made.stdout);
  expect((await sandbox.river('get', 'nodes', '--config', config)).code).toBe(0);
  const wrong = sandbox.write('wrong', made.stdout.replace('localhost', '[::ffff:127.0.0.1]'));
  const named = await sandbox.river('get', 'nodes', '--config', wrong);
  expect(named.stderr).toContain('add ::ffff:7f00:1 to tls.names in the configuration of the host');
});

it('a config file that nobody could use is not made', async () => {
  const made = (...flags: string[]) =>
    sandbox.run('host', ['--config', 'host.yaml', 'token', '--admin', 'ann', '--server', ...flags]);
  const cases: [string[], string][] = [
    [['http://lab.example:8000'], 'must be as in https://lab.example:8000; found "http://lab.example:8000"'],
    [['lab.example:8000'], 'found "lab.example:8000"'],
    [[server, '--expires', '0s'], '--expires must be more than 0s; found 0s'],
    [[server, '--admin', ''], '--admin must say who'],
  ];
  for (const [flags, sentence] of cases) {
    const { code, stdout, stderr } = await made(...flags);
    expect([code, stdout, stderr]).toEqual([1, '', expect.stringContaining(sentence)]);
  }
});

it('the host keeps who it is over a restart; names that are added get a new certificate', async () => {
  const before = readFileSync(sandbox.path('host/identity/server.pem'), 'utf8');
  await host.stop();
  const port = new URL(server).port;
  host = await startHost(sandbox, [`listen: {port: ${port}}`, 'tls: {names: [lab.example]}']);
  const after = readFileSync(sandbox.path('host/identity/server.pem'), 'utf8');
  expect(new X509Certificate(before).checkHost('lab.example')).toBeUndefined();
  expect(new X509Certificate(after).checkHost('lab.example')).toBe('lab.example');
  expect((await sandbox.river('get', 'nodes', '--config', sandbox.path('ann'))).code).toBe(0);
  await sandbox.ok('wait', 'node/node1', '--for', 'condition=Ready', '--timeout', '30s');
});

it('river init writes files to start from, which join completes, and replaces none', async () => {
  const made = await sandbox.ok('init', 'config', '--runner', '-o', 'made.yaml');
  expect(made).toBe(`${sandbox.path('made.yaml')} written\n`);
  const text = readFileSync(sandbox.path('made.yaml'), 'utf8');
  sandbox.write('made.yaml', text.replace(/^stateDir: .*$/m, `stateDir: ${sandbox.path('made')}`));
  await joinMachine(sandbox, 'made', server);
  const joined = readFileSync(sandbox.path('made.yaml'), 'utf8');
  expect(joined).toContain('#stopGrace: 10s\n');
  expect(joined).toContain(`host: ${server}\nname: made\n`);
  const again = await sandbox.river('init', 'config', '--runner', '-o', 'made.yaml');
  expect([again.code, again.stderr]).toEqual([1, expect.stringContaining('--force replaces it')]);
  expect(readFileSync(sandbox.path('made.yaml'), 'utf8')).toBe(joined);
  const unit = await sandbox.ok('init', 'service', '--runner', '-o', '-', '--service-config', 'made.yaml');
  const command = /^ExecStart=(.*)$/m.exec(unit)?.[1]?.split(' ') ?? [];
  expect(command.slice(-2)).toEqual(['--config', sandbox.path('made.yaml')]);
  for (const path of command.slice(0, 2)) expect(statSync(path).isFile()).toBe(true);
});

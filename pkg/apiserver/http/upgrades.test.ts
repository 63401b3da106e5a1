import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ApiHost, admin, authority, nodeOf, refused } from '../../../test/support/api-host.ts';
import { ManualClock } from '../../../test/support/manual-clock.ts';
import { type LogFields, type Logger, RiverError, silentLogger } from '../../base/index.ts';
import type { HttpClient } from '../../client/index.ts';
import { protocol, type ShellProcess, type ShellRequest } from '../../shell/index.ts';
import { listen } from './listen.ts';

/** A program that says what it was asked for, and ends. */
const echo = (container: string, request: ShellRequest): ShellProcess => ({
  output: (async function* () {
    yield { stream: 'stdout' as const, data: Buffer.from(JSON.stringify({ container, ...request })) };
  })(),
  write: async () => {},
  endInput: () => {},
  resize: () => {},
  exitCode: async () => 3,
  hangUp: async () => {},
});

const wanted = { command: ['ls', '-l', 'a b&c=d'], tty: true, stdin: true, stdout: true, stderr: false };
const path = '/apis/river.dev/v1/environments/desk/exec?stdin=true';
let host: ApiHost;
let url: string;
let client: HttpClient;
let logged: [string, LogFields | undefined][];

beforeEach(async () => {
  logged = [];
  const note = (message: string, fields?: LogFields) => {
    logged.push([message, fields]);
  };
  const logger: Logger = { ...silentLogger, warn: note, info: note, error: note, child: () => logger };
  host = new ApiHost({ logger });
  const container = async (name: string) => {
    if (name === 'desk') return 'c1';
    throw new RiverError('Conflict', `the working container of environment ${name} is suspended`);
  };
  url = await host.listen({
    workingContainers: { container },
    shells: { start: async (id, asked) => echo(id, asked) },
  });
  client = host.http(url, admin);
});
afterEach(() => host.close());

async function raw(headers: Record<string, string>, method = 'GET', to = path) {
  const token = `Bearer ${host.token({ role: 'admin', name: 'me' })}`;
  const upgrade = { connection: 'upgrade', upgrade: 'websocket', authorization: token };
  const outgoing = request(url + to, {
    ...{ ca: authority.certificate, method, agent: false },
    headers: { ...upgrade, ...headers },
  });
  outgoing.end();
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
  let text = '';
  for await (const chunk of response) text += chunk;
  return { code: response.statusCode, body: JSON.parse(text) as { reason?: string; message?: string } };
}

it('what is asked for arrives as it was written, and the exit code comes back', async () => {
  const size = { columns: 80, rows: 24 };
  const shell = await client.openShell('desk', { ...wanted, term: 'xterm-256color', size });
  let text = '';
  for await (const { data } of shell.output) text += Buffer.from(data).toString();
  expect(JSON.parse(text)).toEqual({ container: 'c1', ...wanted, term: 'xterm-256color', size });
  expect(await shell.exitCode()).toBe(3);
  expect(logged[0]).toEqual(['a shell was opened', { program: 'ls', tty: true }]);
});

it('who may not is refused as everywhere, and the log says who and what for', async () => {
  const node = await refused(host.http(url, nodeOf('n1')).openShell('desk', wanted));
  expect(node).toMatchObject({ code: 'Forbidden', message: 'node n1 may not run programs in environments' });
  const nobody = await refused(host.http(url, admin, { token: 'none' }).openShell('desk', wanted));
  expect(nobody.code).toBe('Unauthorized');
  expect(await raw({ authorization: '' })).toMatchObject({ code: 401, body: { reason: 'Unauthorized' } });
  const where = { method: 'GET', path: path.split('?')[0] };
  expect(logged).toEqual([
    ['request refused: not allowed', expect.objectContaining({ who: 'node n1', ...where })],
    ['request refused: not authenticated', expect.objectContaining(where)],
    ['request refused: not authenticated', expect.objectContaining(where)],
  ]);
});

it('an environment without a container says why', async () => {
  expect(await refused(client.openShell('other', wanted))).toMatchObject({
    code: 'Conflict',
    message: 'the working container of environment other is suspended',
  });
});

it('what is no such handshake gets a Status', async () => {
  const offered = { 'sec-websocket-protocol': protocol, 'sec-websocket-version': '13' };
  const of = async (...args: Parameters<typeof raw>) => {
    const { code, body } = await raw(...args);
    return `${code} ${body.message}`;
  };
  expect(await of({})).toContain(`400 this is served over a WebSocket with the protocol ${protocol} only`);
  expect(await of({ 'sec-websocket-protocol': 'chat, v4.channel.k8s.io' })).toContain('400 this is served');
  expect(await of({ ...offered, 'sec-websocket-key': 'short' })).toContain('400 no WebSocket: ');
  expect(await of({ ...offered, upgrade: 'SPDY/3.1' })).toContain('400 no WebSocket: ');
  expect(await of(offered, 'POST')).toContain('400 only a GET may ask for another protocol');
  expect(await of({}, 'GET', '/no/such')).toBe('404 the host has no GET /no/such');
  expect((await raw({}, 'GET', '/apis')).code).toBe(200);
  expect(await of(offered, 'GET', path.replace('stdin=true', ''))).toContain('400 ask for at least one');
  expect(await of(offered, 'GET', `${path}&term=${encodeURIComponent('a b')}`)).toContain('400 term must be');
  expect(await of(offered, 'GET', `${path}&rows=-1&columns=80`)).toContain('400 rows must be a whole number');
});

it('a command that does not fit into a request is refused here', async () => {
  const command = ['echo', 'x'.repeat(20_000)];
  expect((await refused(client.openShell('desk', { ...wanted, command }))).message).toContain('too long');
});

it('the wait for a container is given up when its signal aborts', async () => {
  await host.close();
  host = new ApiHost();
  let asked = Promise.withResolvers<void>();
  const container = () => {
    asked.resolve();
    return new Promise<never>(() => {});
  };
  const app = host.server({ workingContainers: { container } });
  const to = host.http(await listen(app, { host: '127.0.0.1', port: 0 }), admin);
  const stop = new AbortController();
  const opening = refused(to.openShell('desk', wanted, stop.signal));
  await asked.promise;
  stop.abort();
  expect((await opening).code).toBe('ServiceUnavailable');
  asked = Promise.withResolvers();
  const other = refused(to.openShell('desk', wanted));
  await asked.promise;
  // A host that stops does not wait for an answer that never comes.
  await app.close();
  expect((await other).code).toBe('ServiceUnavailable');
});

it('a host that stops leaves shells behind that cannot be hung up, and closes all the same', async () => {
  await host.close();
  const clock = new ManualClock();
  const warned: string[] = [];
  const logger: Logger = {
    ...silentLogger,
    warn: (message) => void warned.push(message),
    child: () => logger,
  };
  host = new ApiHost({ logger });
  const hangsUp = Promise.withResolvers<void>();
  const app = host.server({
    clock,
    workingContainers: { container: async () => 'c1' },
    shells: {
      start: async (id, asked) => ({
        ...echo(id, asked),
        output: { [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => {}) }) },
        hangUp: () => {
          hangsUp.resolve();
          return new Promise<never>(() => {});
        },
      }),
    },
  });
  const server = await listen(app, { host: '127.0.0.1', port: 0 });
  const shell = await host.http(server, admin).openShell('desk', wanted);
  const reading = shell.output[Symbol.asyncIterator]().next();
  const closed = app.close();
  await hangsUp.promise;
  clock.advance(9_000);
  await closed;
  expect(warned).toEqual(['shells were left behind that did not end']);
  expect(await reading).toMatchObject({ done: true });
});

it('a host that stops ends what is open', async () => {
  await host.close();
  const hung: boolean[] = [];
  host = new ApiHost();
  const app = host.server({
    workingContainers: { container: async () => 'c1' },
    shells: {
      start: async (id, asked) => ({
        ...echo(id, asked),
        output: { [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => {}) }) },
        hangUp: async () => {
          hung.push(true);
        },
      }),
    },
  });
  const server = await listen(app, { host: '127.0.0.1', port: 0 });
  const shell = await host.http(server, admin).openShell('desk', wanted);
  const reading = shell.output[Symbol.asyncIterator]().next();
  await app.close();
  expect(await reading).toMatchObject({ done: true });
  expect(await refused(shell.exitCode())).toMatchObject({
    message: 'the host is shutting down: the shell has ended',
  });
  expect(hung).toEqual([true]);
});

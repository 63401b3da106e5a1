import type { IncomingMessage } from 'node:http';
import { get } from 'node:https';
import { connect as connectPlain } from 'node:net';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  ApiHost,
  authority,
  admin as me,
  nodeOf,
  refused,
  task,
  taskController,
  tls,
} from '../../../../test/support/api-host.ts';
import { apiVersion, buildRun, type Task } from '../../../api/index.ts';
import { type LogFields, type Logger, realClock, realRng, silentLogger } from '../../../base/index.ts';
import { nodeKey, openAuthority, proveKey } from '../../../identity/index.ts';
import type { Store } from '../../../store/index.ts';
import type { ApiService } from '../../service.ts';
import { listen } from '../listen.ts';
import { useCertificate } from '../server.ts';

const tasks = `/apis/${apiVersion}/namespaces/default/tasks`;

let host: ApiHost;
let service: ApiService;
let store: Store;
let token: string;
let warnings: { message: string; fields?: LogFields }[];

beforeEach(() => {
  warnings = [];
  const warn: Logger['warn'] = (message, fields) => warnings.push({ message, fields });
  host = new ApiHost({ logger: { ...silentLogger, warn } });
  ({ service, store } = host);
  token = host.token({ role: 'admin', name: 'me' });
});

afterEach(() => host.close());

/** Lines of a stream as they come. */
class Lines {
  readonly response: IncomingMessage;
  readonly #iterator: AsyncIterator<string>;

  constructor(response: IncomingMessage) {
    this.response = response;
    this.#iterator = splitLines(response);
  }

  async next() {
    const { value, done } = await this.#iterator.next();
    return done ? undefined : JSON.parse(value);
  }
}

async function* splitLines(response: IncomingMessage): AsyncGenerator<string> {
  let rest = '';
  for await (const chunk of response.setEncoding('utf8')) {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
  }
}

const ca = authority.certificate;

const open = (url: string): Promise<Lines> =>
  new Promise((resolve, reject) => {
    get(url, { headers: { authorization: `Bearer ${token}` }, agent: false, ca }, (response) =>
      resolve(new Lines(response)),
    ).on('error', reject);
  });

const eventually = async (done: () => boolean): Promise<void> => {
  while (!done()) await new Promise((resolve) => setImmediate(resolve));
};

describe('watches on a real socket', () => {
  it('send the whole state, also to a client that names a limit', async () => {
    const url = await host.listen();
    await service.create(me, 'Task', task('a'));
    await service.create(me, 'Task', task('b'));
    const watch = await open(`${url}${tasks}?watch=true&limit=1`);
    expect(await watch.next()).toMatchObject({ type: 'ADDED', object: { metadata: { name: 'a' } } });
    expect(await watch.next()).toMatchObject({ type: 'ADDED', object: { metadata: { name: 'b' } } });
    watch.response.destroy();
  });

  it('flush their head before any event, send the present state, and bookmarks', async () => {
    const url = await host.listen({ bookmarkMs: 1 });
    const empty = await open(`${url}${tasks}?watch=true`);
    expect(empty.response.statusCode).toBe(200);
    empty.response.destroy();
    await service.create(me, 'Task', task('a'));
    const watch = await open(`${url}${tasks}?watch=true&resourceVersion=0&allowWatchBookmarks=true`);
    expect(await watch.next()).toMatchObject({ type: 'ADDED', object: { metadata: { name: 'a' } } });
    expect(await watch.next()).toMatchObject({
      type: 'BOOKMARK',
      object: { metadata: { annotations: { 'k8s.io/initial-events-end': 'true' } } },
    });
    expect(await watch.next()).toMatchObject({
      type: 'BOOKMARK',
      object: { metadata: { resourceVersion: String(store.version()) } },
    });
    watch.response.destroy();
    await eventually(() => service.metrics.watches === 0);
  });

  it('end after timeoutSeconds, and with a 410 for a version that is forgotten', async () => {
    const url = await host.listen();
    await service.create(me, 'Task', task('a'));
    await service.create(me, 'Task', task('b'));
    await store.compact(store.version());
    const expired = await open(`${url}${tasks}?watch=true&resourceVersion=1`);
    expect(await expired.next()).toMatchObject({
      type: 'ERROR',
      object: { kind: 'Status', code: 410, reason: 'Expired' },
    });
    expect(await expired.next()).toBeUndefined();
    const short = await open(`${url}${tasks}?watch=true&timeoutSeconds=1&resourceVersion=${store.version()}`);
    expect(await short.next()).toBeUndefined();
    expect((await open(`${url}${tasks}?watch=true&resourceVersion=abc`)).response.statusCode).toBe(400);
  });

  it('are cut when their reader is too slow, and the others go on', async () => {
    const url = new URL(await host.listen({ watchBufferBytes: 64 * 1024 }));
    const slow = connect({ port: Number(url.port), host: '127.0.0.1', ca });
    slow.on('error', () => {});
    slow.write(`GET ${tasks}?watch=true HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${token}\r\n\r\n`);
    slow.pause();
    const good = await open(`${url.origin}${tasks}?watch=true`);
    await eventually(() => service.metrics.watches === 2);
    const filler = {
      annotations: Object.fromEntries(
        Array.from({ length: 20 }, (_, index) => [`k${index}`, 'x'.repeat(50_000)]),
      ),
    };
    let seen = 0;
    for (let index = 0; warnings.length === 0; index++) {
      await service.create(me, 'Task', {
        ...task(`big${index}`),
        metadata: { name: `big${index}`, ...filler },
      });
      const event = await good.next();
      if (event.type === 'ADDED') seen++;
      expect(index).toBeLessThan(200);
    }
    expect(warnings[0]?.message).toBe('slow watcher dropped');
    await eventually(() => service.metrics.watches === 1);
    expect(seen).toBeGreaterThan(0);
    slow.destroy();
    good.response.destroy();
  });

  it('say in bookmarks how far they are, also when all that happens is about others', async () => {
    const url = await host.listen({ bookmarkMs: 1 });
    const watch = await open(
      `${url}${tasks}?watch=true&allowWatchBookmarks=true&fieldSelector=metadata.name=a`,
    );
    await watch.next();
    await service.create(me, 'Task', task('b'));
    const wanted = String(store.version());
    let event = await watch.next();
    for (let count = 0; count < 1000 && event.object.metadata.resourceVersion !== wanted; count++)
      event = await watch.next();
    expect(event).toMatchObject({ type: 'BOOKMARK', object: { metadata: { resourceVersion: wanted } } });
    watch.response.destroy();
  });

  it('hold little of a state that nobody reads, and are cut after a while', async () => {
    const annotations = { filler: 'x'.repeat(1_000_000) };
    const names = Array.from({ length: 24 }, (_, index) => `big${index}`);
    for (const name of names)
      await service.create(me, 'Task', { ...task(name), metadata: { name, annotations } });
    const url = new URL(await host.listen({ bookmarkMs: 10 }));
    const slow = connect({ port: Number(url.port), host: '127.0.0.1', ca });
    slow.on('error', () => {});
    slow.write(`GET ${tasks}?watch=true HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${token}\r\n\r\n`);
    slow.pause();
    await eventually(() => warnings.length > 0);
    expect(warnings[0]?.message).toBe('slow watcher dropped');
    expect(warnings[0]?.fields?.unsentBytes).toBeLessThan(3_000_000);
    await eventually(() => service.metrics.watches === 0);
    slow.destroy();
  });

  it('end when the server closes', async () => {
    const app = host.server();
    const url = await listen(app, { host: '127.0.0.1', port: 0 });
    const watch = await open(`${url}${tasks}?watch=true`);
    const ended = watch.next().catch(() => undefined);
    await app.close();
    expect(await ended).toBeUndefined();
  });
});

describe('listening', () => {
  it('takes any address that the machine has, and tells a port that is taken in a sentence', async () => {
    const app = host.server();
    const nowhere = listen(host.server(), { host: '192.0.2.1', port: 0 });
    await expect(nowhere).rejects.toThrow('this machine has no such address; correct listen.address');
    const url = new URL(await listen(app, { host: '127.0.0.1', port: 0 }));
    // An address in brackets is known as what it is, whether this machine has IPv6 or not.
    const bracketed = listen(host.server(), { host: '[::1]', port: 0 }).catch(
      (error: Error) => error.message,
    );
    expect(await bracketed).toMatch(
      /^https:\/\/\[::1\]:\d+$|cannot listen on ::1: |cannot listen on ::1:0: .*EAFNOSUPPORT/,
    );
    const second = host.server();
    await expect(listen(second, { host: '127.0.0.1', port: Number(url.port) })).rejects.toThrow(
      `port ${url.port} on 127.0.0.1 is taken`,
    );
  });

  it('never speaks plain HTTP: it says so in the log, and answers nothing', async () => {
    const url = new URL(await host.listen());
    const socket = connectPlain(Number(url.port), '127.0.0.1');
    socket.write('GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n');
    const chunks: Buffer[] = [];
    socket.on('error', () => {});
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    await new Promise((resolve) => socket.on('close', resolve));
    expect(Buffer.concat(chunks).toString('latin1')).not.toContain('HTTP/1.1');
    await eventually(() => warnings.length > 0);
    expect(warnings).toEqual([
      {
        message: 'connection refused in the TLS handshake',
        fields: { remote: '127.0.0.1', reason: 'ERR_SSL_HTTP_REQUEST' },
      },
    ]);
  });

  it('takes a new certificate without a restart: new connections see it, old ones go on', async () => {
    const app = host.server();
    const url = new URL(await listen(app, { host: '127.0.0.1', port: 0 }));
    const watch = await open(`${url.origin}${tasks}?watch=true`);
    const { key, certificate } = await authority.issueServer(['127.0.0.1'], 1_000_000);
    useCertificate(app, { ...tls, key, cert: certificate + ca });
    const socket = connect({ port: Number(url.port), host: '127.0.0.1', ca });
    await new Promise((resolve) => socket.once('secureConnect', resolve));
    expect(socket.getPeerX509Certificate()?.toString()).toBe(certificate);
    socket.destroy();
    await service.create(me, 'Task', task('a'));
    expect(await watch.next()).toMatchObject({ type: 'ADDED' });
    watch.response.destroy();
  });
});

describe('a machine with a key of its own', () => {
  it('acts as its node, and every refusal says who and what in the log', async () => {
    const node = host.http(await host.listen(), nodeOf('n1'));
    expect((await node.list('Node')).items).toEqual([]);
    const error = await refused(node.list('Task', { namespace: 'default' }));
    expect([error.code, error.message]).toEqual(['Forbidden', 'node n1 may not read tasks']);
    expect(warnings).toEqual([
      {
        message: 'request refused: not allowed',
        fields: { who: 'node n1', method: 'GET', path: tasks, remote: '127.0.0.1', reason: error.message },
      },
    ]);
  });

  it('that reports of what is not its own is in the log, too', async () => {
    const made = await service.create(me, 'Task', task('a'));
    const run = buildRun(made.object as Task, { revision: 1, ordinal: 0, attempt: 0 });
    await service.create(taskController, 'Run', run);
    const node = host.http(await host.listen(), nodeOf('n1'));
    const name = run.metadata.name ?? '';
    const error = await refused(
      node.patch('Run', 'default', name, { status: { phase: 'Succeeded' } }, { subresource: 'status' }),
    );
    expect(error.code).toBe('Conflict');
    const path = `/apis/river.dev/v1/namespaces/default/runs/${name}/status`;
    expect(warnings).toEqual([
      {
        message: 'request refused: not for this node to say',
        fields: { who: 'node n1', method: 'PATCH', path, remote: '127.0.0.1', reason: error.message },
      },
    ]);
  });

  it('is out at once when another one has taken its name, also on a connection that is open', async () => {
    const node = host.http(await host.listen(), nodeOf('n1'));
    await node.list('Node');
    const taken = { publicKey: 'another', joinedAt: '2026-01-01T00:00:00.000Z' };
    host.registry.register('n1', taken, { id: 'x', until: 0 }, 0);
    const error = await refused(node.list('Node'));
    expect(error.code).toBe('Unauthorized');
    expect(error.message).toContain('this key is not the one of node n1 any more');
    expect(warnings.map(({ fields }) => fields?.remote)).toEqual(['127.0.0.1']);
  });

  it('may not let others in, and needs a certificate of this host', async () => {
    const url = await host.listen();
    const node = host.http(url, nodeOf('n1'));
    const asked = await refused(node.createJoinToken('n3', {}));
    expect([asked.code, asked.message]).toEqual(['Forbidden', 'node n1 may not let machines join']);
    const folder = join(host.folder, 'other');
    const other = await openAuthority(folder, { clock: realClock, rng: realRng });
    const key = nodeKey(folder);
    const { publicKey } = proveKey(key, '');
    const certificate = await other.issueNode('n1', Buffer.from(publicKey, 'base64'));
    const stranger = host.http(url, nodeOf('n1'), { credential: { key, certificate } });
    expect((await refused(stranger.list('Node'))).message).toContain("is not one of this host's");
  });
});

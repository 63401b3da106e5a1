import { mkdtempSync, rmSync } from 'node:fs';
import { get, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FastifyInstance, InjectOptions } from 'fastify';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { apiVersion, type Identity, type Task } from '../../api/index.ts';
import { type LogFields, type Logger, realClock, realRng, silentLogger } from '../../base/index.ts';
import { openSqliteStore, type SqliteStore } from '../../store/index.ts';
import { tokenAuthentication } from '../auth/authenticate.ts';
import { createToken } from '../auth/tokens.ts';
import { FileLogReader } from '../logs/file-log-reader.ts';
import { ApiService } from '../service.ts';
import { listen } from './listen.ts';
import { createHttpServer, type HttpServerOptions } from './server.ts';

const key = new Uint8Array(32).fill(3);
const me: Identity = { role: 'admin', name: 'me' };
const token = createToken(key, { role: 'admin', name: 'me' }, realRng);
const root = `/apis/${apiVersion}`;
const tasks = `${root}/namespaces/default/tasks`;

let folder: string;
let store: SqliteStore;
let service: ApiService;
let app: FastifyInstance;
let warnings: { message: string; fields?: LogFields }[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'river-http-'));
  warnings = [];
  const seams = { clock: realClock, rng: realRng, logger: silentLogger };
  store = openSqliteStore({ directory: join(folder, 'state'), ...seams });
  service = new ApiService({
    ...seams,
    store,
    leaseMs: 30_000,
    version: '0.1.0',
    defaults: () => ({ runtime: 'process', privileged: false, mounts: [] }),
    logReader: new FileLogReader([join(folder, 'logs')], realClock),
  });
  app = serverOf({});
});

afterEach(async () => {
  await app.close();
  await store.close();
  rmSync(folder, { recursive: true });
});

function serverOf(options: Partial<HttpServerOptions>): FastifyInstance {
  const logger: Logger = { ...silentLogger, warn: (message, fields) => warnings.push({ message, fields }) };
  return createHttpServer({
    service,
    authenticate: tokenAuthentication(key, realClock),
    clock: realClock,
    logger,
    ...options,
  });
}

const headers = { authorization: `Bearer ${token}` };
const ask = (options: InjectOptions) =>
  app.inject({ ...options, headers: { ...headers, ...options.headers } });
const task = (name: string, spec: object = {}): Task =>
  ({ apiVersion, kind: 'Task', metadata: { name }, spec: { command: ['true'], ...spec } }) as Task;

const patch = (path: string, type: string, payload: string | object) =>
  ask({
    method: 'PATCH',
    url: path,
    headers: { 'content-type': type },
    payload: typeof payload === 'string' ? payload : JSON.stringify(payload),
  });

describe('who may come in', () => {
  it('is anybody for health, and nobody without a good token for all else', async () => {
    for (const url of ['/healthz', '/readyz']) expect((await app.inject(url)).body).toBe('ok');
    for (const url of ['/version', '/api', '/apis', tasks, '/nowhere', `${tasks}/x/status`]) {
      const answer = await app.inject(url);
      expect([url, answer.statusCode, answer.json().reason]).toEqual([url, 401, 'Unauthorized']);
    }
    const wrong = await app.inject({ url: tasks, headers: { authorization: `Bearer ${token}x` } });
    expect(wrong.json()).toMatchObject({ kind: 'Status', status: 'Failure', code: 401 });
  });

  it('is logged with what was asked, and never with the token', async () => {
    await app.inject({ url: `${tasks}?x=1`, headers: { authorization: 'Bearer river_bad.secret' } });
    expect(warnings[0]).toMatchObject({
      message: 'request refused: not authenticated',
      fields: { method: 'GET', path: tasks },
    });
    expect(JSON.stringify(warnings)).not.toContain('secret');
  });
});

describe('discovery', () => {
  it('names version, group and kinds', async () => {
    expect((await ask({ url: '/version' })).json().gitVersion).toBe('v0.1.0+river');
    expect((await ask({ url: '/api' })).json().kind).toBe('APIVersions');
    expect((await ask({ url: '/apis' })).json().groups[0].name).toBe('river.dev');
    const list = (await ask({ url: root })).json();
    expect(list).toMatchObject({ kind: 'APIResourceList', groupVersion: 'river.dev/v1' });
    const names = list.resources.map((each: { name: string }) => each.name);
    expect(names).toEqual(
      expect.arrayContaining(['tasks', 'tasks/status', 'runs/binding', 'runs/log', 'nodes', 'events']),
    );
  });

  it('answers what it does not have with a Status', async () => {
    expect((await ask({ url: '/apis/river.dev/v1/pods' })).json()).toMatchObject({
      kind: 'Status',
      code: 404,
      reason: 'NotFound',
    });
  });
});

describe('objects', () => {
  it('come and go by POST, GET, PUT, PATCH and DELETE', async () => {
    const made = await ask({ method: 'POST', url: tasks, payload: task('a') });
    expect([made.statusCode, made.headers['x-river-outcome'], made.json().metadata.namespace]).toEqual([
      201,
      'created',
      'default',
    ]);
    expect((await ask({ url: `${tasks}/a` })).json()).toEqual(made.json());
    const put = await ask({
      method: 'PUT',
      url: `${tasks}/a`,
      payload: { ...(made.json() as Task), spec: { command: ['false'] } },
    });
    expect([put.statusCode, put.json().spec.command]).toEqual([200, ['false']]);
    const stale = await ask({ method: 'PUT', url: `${tasks}/a`, payload: made.json() });
    expect([stale.statusCode, stale.json().reason]).toEqual([409, 'Conflict']);
    expect(
      (await patch(`${tasks}/a`, 'application/merge-patch+json', { spec: { rerun: '1' } })).json().spec.rerun,
    ).toBe('1');
    const json = [{ op: 'replace', path: '/spec/rerun', value: '2' }];
    expect((await patch(`${tasks}/a`, 'application/json-patch+json', json)).json().spec.rerun).toBe('2');
    const gone = await ask({
      method: 'DELETE',
      url: `${tasks}/a`,
      headers: { 'content-type': 'application/json' },
    });
    expect([gone.statusCode, typeof gone.json().metadata.deletionTimestamp]).toEqual([200, 'string']);
  });

  it('are applied from YAML: created, configured, unchanged', async () => {
    const yaml = (cores: number) =>
      `apiVersion: river.dev/v1\nkind: Task\nmetadata: {name: a}\nspec:\n  command: ["true"]\n  resources: {cores: ${cores}}\n`;
    const apply = (text: string) =>
      patch(`${tasks}/a?fieldManager=river`, 'application/apply-patch+yaml', text);
    const answers = [await apply(yaml(1)), await apply(yaml(2)), await apply(yaml(2))];
    expect(answers.map((answer) => [answer.statusCode, answer.headers['x-river-outcome']])).toEqual([
      [201, 'created'],
      [200, 'configured'],
      [200, 'unchanged'],
    ]);
    expect((await patch(`${tasks}/a`, 'application/apply-patch+yaml', yaml(2))).json().message).toContain(
      'fieldManager',
    );
    const forced = await patch(`${tasks}/a?fieldManager=x`, 'application/apply-patch+yaml', yaml(3));
    expect(forced.json()).toMatchObject({
      code: 409,
      details: { causes: [{ reason: 'FieldManagerConflict' }] },
    });
    expect(
      (await patch(`${tasks}/a?fieldManager=x&force=true`, 'application/apply-patch+yaml', yaml(3)))
        .statusCode,
    ).toBe(200);
  });

  it('have to be where the address says', async () => {
    const other = { ...task('b'), metadata: { name: 'b', namespace: 'other' } };
    expect((await ask({ method: 'POST', url: tasks, payload: other })).json().message).toContain(
      'the address says default',
    );
    expect((await ask({ method: 'PUT', url: `${tasks}/a`, payload: task('b') })).json().message).toContain(
      'the address says a',
    );
    const node = { apiVersion, kind: 'Node', metadata: { name: 'a' } };
    expect((await ask({ method: 'POST', url: tasks, payload: node })).json().code).toBe(400);
  });

  it('are not written by a dry run, and dryRun must be All', async () => {
    expect((await ask({ method: 'POST', url: `${tasks}?dryRun=All`, payload: task('a') })).statusCode).toBe(
      201,
    );
    expect((await ask({ url: `${tasks}/a` })).statusCode).toBe(404);
    expect((await ask({ method: 'POST', url: `${tasks}?dryRun=yes`, payload: task('a') })).statusCode).toBe(
      400,
    );
  });

  it('name the fields that are wrong', async () => {
    const answer = await ask({ method: 'POST', url: tasks, payload: task('a', { comand: ['x'] }) });
    expect(answer.json()).toMatchObject({
      code: 422,
      reason: 'Invalid',
      details: { causes: [{ field: 'spec.comand' }] },
    });
  });

  it('are owned by the program that wrote them when it names nobody', async () => {
    const made = await ask({
      method: 'POST',
      url: tasks,
      payload: task('a'),
      headers: { 'user-agent': 'kubectl/v1.33 (linux)' },
    });
    expect(made.json().metadata.managedFields[0].manager).toBe('kubectl');
  });
});

describe('bodies', () => {
  const send = (payload: string, type?: string) =>
    ask({ method: 'POST', url: tasks, payload, headers: type === undefined ? {} : { 'content-type': type } });

  it('need no type, and may be YAML', async () => {
    expect((await send(JSON.stringify(task('a')))).statusCode).toBe(201);
    expect(
      (
        await send(
          'kind: Task\napiVersion: river.dev/v1\nmetadata: {name: b}\nspec: {command: [x]}',
          'application/yaml',
        )
      ).statusCode,
    ).toBe(201);
  });

  it('that nobody can read get a sentence', async () => {
    const laughs = [
      'a: &a [x,x,x,x,x,x,x,x,x]',
      ...'bcdefgh'
        .split('')
        .map((name, index) => `${name}: &${name} [${Array(9).fill(`*${'abcdefg'[index]}`).join(',')}]`),
    ];
    const cases: [string, string | undefined, number, RegExp][] = [
      ['{', undefined, 400, /not JSON/],
      ['', undefined, 400, /missing/],
      ['[]', undefined, 400, /must be a JSON object/],
      ['a: b: c', 'application/yaml', 400, /not YAML/],
      [laughs.join('\n'), 'application/yaml', 400, /alias/],
      ['x: &x [*x]', 'application/yaml', 400, /nested/],
      [`${'['.repeat(50_000)}`, 'application/yaml', 400, /not YAML|nested/],
      [`{"a":${'['.repeat(100)}${']'.repeat(100)}}`, undefined, 400, /64 levels/],
      ['{"__proto__":{}}', undefined, 400, /__proto__/],
      ['<a/>', 'text/xml', 415, /text\/xml/],
      [`# ${'x'.repeat(300_000)}`, 'application/yaml', 413, /send it as JSON/],
      [`"${'x'.repeat(3 * 1024 * 1024)}"`, undefined, 413, /larger/],
    ];
    for (const [body, type, code, message] of cases) {
      const answer = await send(body, type);
      expect([body.slice(0, 20), answer.statusCode, answer.json().message]).toEqual([
        body.slice(0, 20),
        code,
        expect.stringMatching(message),
      ]);
    }
  });

  it('of patches must be of a known type', async () => {
    await ask({ method: 'POST', url: tasks, payload: task('a') });
    expect((await patch(`${tasks}/a`, 'application/strategic-merge-patch+json', {})).statusCode).toBe(415);
    expect((await patch(`${tasks}/a/status`, 'application/json-patch+json', [])).statusCode).toBe(415);
  });
});

describe('lists', () => {
  beforeEach(async () => {
    const all = Array.from({ length: 1203 }, (_, index) =>
      service.create(me, 'Task', task(`t${String(index).padStart(4, '0')}`)),
    );
    await Promise.all(all);
  });

  it('come whole, over all pages, as one JSON text', async () => {
    const list = (await ask({ url: `${root}/tasks` })).json();
    expect([list.kind, list.items.length, list.metadata.continue]).toEqual(['TaskList', 1203, undefined]);
    expect(list.items[700].metadata.name).toBe('t0700');
  });

  it('come in pages', async () => {
    const first = (await ask({ url: `${tasks}?limit=1000` })).json();
    expect([first.items.length, first.metadata.remainingItemCount]).toEqual([1000, 203]);
    const rest = (
      await ask({ url: `${tasks}?limit=1000&continue=${encodeURIComponent(first.metadata.continue)}` })
    ).json();
    expect([rest.items.length, rest.metadata.continue]).toEqual([203, undefined]);
    expect(rest.metadata.resourceVersion).toBe(first.metadata.resourceVersion);
  });

  it('refuse what cannot be read', async () => {
    for (const query of ['limit=x', 'labelSelector=((', 'fieldSelector=spec.x%3D1', 'continue=zzz']) {
      expect([query, (await ask({ url: `${tasks}?${query}` })).statusCode]).toEqual([query, 400]);
    }
  });
});

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

const open = (url: string): Promise<Lines> =>
  new Promise((resolve, reject) => {
    get(url, { headers, agent: false }, (response) => resolve(new Lines(response))).on('error', reject);
  });

const eventually = async (done: () => boolean): Promise<void> => {
  while (!done()) await new Promise((resolve) => setImmediate(resolve));
};

describe('watches on a real socket', () => {
  it('flush their head before any event, send the present state, and bookmarks', async () => {
    app = serverOf({ bookmarkMs: 1 });
    const url = await listen(app, { host: '127.0.0.1', port: 0 });
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
    const url = await listen(app, { host: '127.0.0.1', port: 0 });
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
    expect((await ask({ url: `${tasks}?watch=true&resourceVersion=abc` })).statusCode).toBe(400);
  });

  it('are cut when their reader is too slow, and the others go on', async () => {
    app = serverOf({ watchBufferBytes: 64 * 1024 });
    const url = new URL(await listen(app, { host: '127.0.0.1', port: 0 }));
    const slow = connect(Number(url.port), '127.0.0.1');
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

  it('end when the server closes', async () => {
    const url = await listen(app, { host: '127.0.0.1', port: 0 });
    const watch = await open(`${url}${tasks}?watch=true`);
    const ended = watch.next().catch(() => undefined);
    await app.close();
    expect(await ended).toBeUndefined();
  });
});

describe('listening', () => {
  it('refuses addresses that others could reach, and a port that is taken, in a sentence', async () => {
    await expect(listen(app, { host: '0.0.0.0', port: 0 })).rejects.toThrow(/unencrypted; use 127\.0\.0\.1/);
    const url = new URL(await listen(app, { host: '127.0.0.1', port: 0 }));
    const second = serverOf({});
    await expect(listen(second, { host: '127.0.0.1', port: Number(url.port) })).rejects.toThrow(
      `port ${url.port} on 127.0.0.1 is taken`,
    );
    await second.close();
  });
});

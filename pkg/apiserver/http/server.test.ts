import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FastifyInstance, InjectOptions } from 'fastify';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ApiHost, admin as me, task } from '../../../test/support/api-host.ts';
import { apiVersion, buildRun, type Task, type TaskSpec } from '../../api/index.ts';
import { type LogFields, type Logger, silentLogger } from '../../base/index.ts';
import type { ApiService } from '../service.ts';

const root = `/apis/${apiVersion}`;
const tasks = `${root}/namespaces/default/tasks`;

let host: ApiHost;
let service: ApiService;
let app: FastifyInstance;
let token: string;
let warnings: { message: string; fields?: LogFields }[];

beforeEach(() => {
  warnings = [];
  const warn: Logger['warn'] = (message, fields) => warnings.push({ message, fields });
  host = new ApiHost({ logger: { ...silentLogger, warn } });
  ({ service } = host);
  app = host.server();
  token = host.token({ role: 'admin', name: 'me' });
});

afterEach(() => host.close());

const ask = (options: InjectOptions) =>
  app.inject({ ...options, headers: { authorization: `Bearer ${token}`, ...options.headers } });

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
    for (const url of ['/version', '/api', '/apis', '/metrics', tasks, '/nowhere', `${tasks}/x/status`]) {
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

describe('a Task that no node could run', () => {
  const node = (name: string, cores: number) => ({
    ...{ apiVersion, kind: 'Node', metadata: { name } },
    status: { allocatable: { cores, memory: 2 ** 30 } },
  });
  const applied = async (spec: TaskSpec) => {
    const query = 'fieldManager=me&dryRun=All';
    const answer = await patch(`${tasks}/big?${query}`, 'application/apply-patch+yaml', task('big', spec));
    return [answer.statusCode, ...[answer.headers.warning ?? []].flat()];
  };

  it('is written with a warning, and without one where one could', async () => {
    const huge = { command: ['true'], runtime: 'process' as const, resources: { cores: 64 } };
    await host.store.transact((transaction) => void transaction.put(node('n1', 4)));
    const text =
      'spec.resources.cores: more than any node has; the most is on n1, which has 4 cores, needs 64';
    expect(await applied(huge)).toEqual([201, `299 - "${text}"`]);
    expect(await applied({ ...huge, resources: { cores: 4 } })).toEqual([201]);
  });
});

describe('metrics', () => {
  it('count runs and show what was refused', async () => {
    const { object } = await service.create(me, 'Task', task('a'));
    const run = buildRun(object as Task, { revision: 1, ordinal: 0, attempt: 0 });
    await service.create({ role: 'controller', name: 'task' }, 'Run', run);
    const node = { role: 'node', name: 'n1' } as const;
    await service.create(node, 'Node', { apiVersion, kind: 'Node', metadata: { name: 'n1' } });
    const unheard = service.heartbeat(node, 'n1', { session: 'old' });
    await expect(unheard).rejects.toThrow(/current session/);
    const answer = await ask({ url: '/metrics' });
    expect(answer.body).toContain('river_refused_total{reason="heartbeat"} 1\n');
    expect(answer.body).toContain('river_runs{phase="Pending"} 1\n');
    expect(answer.headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(answer.body).toContain(`river_store_version ${host.store.version()}\n`);
  });
});

describe('output of builds', () => {
  it('is that of an Environment which is there, and of no other file', async () => {
    const output = 'build of 2026-01-01T00:00:00.000Z\nnot for everybody\n';
    writeFileSync(join(host.folder, 'secret.log'), output);
    const log = (name: string) => ask({ url: `${root}/environments/${name}/log` });
    for (const name of ['secret', 'x%2F..%2Fsecret'])
      expect((await log(name)).json()).toMatchObject({ code: 404, reason: 'NotFound' });
    await service.create(me, 'Environment', {
      ...{ apiVersion, kind: 'Environment', metadata: { name: 'secret' } },
      spec: { from: { image: 'busybox' } },
    });
    expect((await log('secret')).body).toBe(output);
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
    const answer = await ask({
      method: 'POST',
      url: tasks,
      payload: task('a', { comand: ['x'] } as Partial<TaskSpec>),
    });
    expect(answer.json()).toMatchObject({
      code: 422,
      reason: 'Invalid',
      details: { causes: [{ field: 'spec.comand' }] },
    });
  });

  it('keep no field that nobody knows, in metadata as little as in spec, by whatever write', async () => {
    await ask({ method: 'POST', url: tasks, payload: task('a') });
    const wrong = (name: string) => ({ ...task(name), metadata: { name, lables: { a: 'b' } } });
    const change = { metadata: { lables: { a: 'b' } } };
    const answers = [
      await ask({ method: 'POST', url: tasks, payload: wrong('b') }),
      await ask({ method: 'PUT', url: `${tasks}/a`, payload: wrong('a') }),
      await patch(`${tasks}/a`, 'application/merge-patch+json', change),
      await patch(`${tasks}/a?fieldManager=x`, 'application/apply-patch+yaml', wrong('a')),
      await patch(`${tasks}/c?fieldManager=x`, 'application/apply-patch+yaml', wrong('c')),
    ];
    for (const answer of answers) {
      expect(answer.statusCode).toBe(422);
      expect(answer.json().details.causes).toEqual([
        expect.objectContaining({ field: 'metadata.lables', message: expect.stringMatching(/labels\?/) }),
      ]);
    }
  });

  it('of a wrong type are refused with a sentence wherever they stand', async () => {
    for (const finalizers of ['abc', { a: 1 }, null]) {
      const payload = { ...task('a'), metadata: { name: 'a', finalizers } };
      const answer = await ask({ method: 'POST', url: tasks, payload });
      expect([answer.statusCode, answer.json().message]).toEqual([
        finalizers === null ? 201 : 422,
        finalizers === null ? undefined : expect.stringMatching(/metadata.finalizers: must be a list/),
      ]);
    }
    const nothing = {
      method: 'POST',
      url: tasks,
      payload: task('b', { resources: null } as object),
    } as const;
    expect((await ask(nothing)).json().message).toMatch(/spec.resources: must be a map/);
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
      [`a: &a x\nb: [${Array(101).fill('*a').join(',')}]`, 'application/yaml', 400, /more than 100 aliases/],
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

import { mkdtempSync, rmSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import { type AddressInfo, createServer as createPlainServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { authority, tls } from '../../../test/support/api-host.ts';
import { type Clock, type RiverError, realClock, realRng } from '../../base/index.ts';
import { openAuthority } from '../../identity/index.ts';
import { createHttpClient, type HttpClient, type HttpClientOptions } from './client.ts';

let server: Server | undefined;
let client: HttpClient | undefined;

afterEach(async () => {
  client?.close();
  server?.closeAllConnections();
  await new Promise((resolve) => (server ? server.close(resolve) : resolve(undefined)));
  server = undefined;
});

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

async function connect(handler: Handler, options: Partial<HttpClientOptions> = {}): Promise<HttpClient> {
  server = createServer(tls, handler);
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  client = createHttpClient({
    server: `https://127.0.0.1:${port}`,
    ca: authority.certificate,
    token: 'river_secret',
    clock: realClock,
    ...options,
  });
  return client;
}

const clientOf = (address: string) =>
  createHttpClient({ server: address, ca: authority.certificate, clock: realClock });

async function anotherAuthority(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'river-other-'));
  const { certificate } = await openAuthority(folder, { clock: realClock, rng: realRng });
  rmSync(folder, { recursive: true });
  return certificate;
}

const refused = (promise: Promise<unknown>): Promise<RiverError> =>
  promise.then(
    () => expect.fail('it was not refused'),
    (error: RiverError) => error,
  );

/** Fires timers as soon as they are set. */
const impatient: Clock = { ...realClock, after: (_delay, callback) => realClock.after(0, callback) };

it('hands on what the host warns of', async () => {
  const texts = ['spec.targets[0]: there is no node "x" yet', String.raw`a\b, c`];
  const headers = texts.map((text) => `299 - "${text.replaceAll(/["\\]/g, String.raw`\$&`)}"`);
  const told = await connect((_request, response) => response.setHeader('warning', headers).end('{}'));
  const task = { apiVersion: 'river.dev/v1', kind: 'Task', metadata: { name: 'a', namespace: 'default' } };
  expect((await told.apply(task, { fieldManager: 'me' })).warnings).toEqual(texts);
});

describe('failures of the connection', () => {
  it('say that nobody listens, and what to look at', async () => {
    await connect(() => {});
    const { port } = (server as Server).address() as AddressInfo;
    await new Promise((resolve) => server?.close(resolve));
    server = undefined;
    const error = await refused((client as HttpClient).version());
    expect(error.code).toBe('ServiceUnavailable');
    expect(error.message).toBe(
      `cannot reach the host at https://127.0.0.1:${port}: connection refused; is river-host (or river dev) running?`,
    );
  });

  it('say that it was cut in the middle', async () => {
    const http = await connect((_request, response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('{', () => response.destroy());
    });
    const error = await refused(http.version());
    expect(error.code).toBe('ServiceUnavailable');
    expect(error.message).toContain('closed by the host');
  });

  it('end with Timeout when no answer comes', async () => {
    const http = await connect(() => {}, { clock: impatient, timeoutMs: 5000 });
    const error = await refused(http.version());
    expect([error.code, error.message]).toEqual(['Timeout', expect.stringContaining('within 5 s')]);
  });

  it('refuse an address that is none', () => {
    for (const address of ['localhost:8001', '', 'ftp://x']) {
      expect(() => clientOf(address)).toThrow(/not of the form/);
    }
  });

  it('refuse to send anything unencrypted', () => {
    for (const address of ['http://127.0.0.1:1', 'http://localhost', 'HTTP://lab'])
      expect(() => clientOf(address)).toThrow('is not encrypted, and a token is never sent so');
  });
});

describe('a host that is not the one', () => {
  it('gets no request: another authority is told apart', async () => {
    const requests: (string | undefined)[] = [];
    const other = await anotherAuthority();
    const http = await connect(({ url }) => requests.push(url), { ca: other });
    const error = await refused(http.version());
    expect(error.code).toBe('Unauthorized');
    expect(error.message).toMatch(/^the host at https:\S+ is not the one this config was made for: /);
    expect(requests).toEqual([]);
  });

  it('under a name that its certificate has not, says which it has', async () => {
    await connect(() => {});
    const { port } = (server as Server).address() as AddressInfo;
    const named = clientOf(`https://localhost:${port}`);
    const error = await refused(named.version());
    named.close();
    expect(error.message).toMatch(
      /is for 127\.0\.0\.1, [0:]*1: use one of these names, or add localhost to tls\.names/i,
    );
  });

  it('that does not speak TLS is told', async () => {
    const plain = createPlainServer((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
    await new Promise<void>((resolve) => plain.listen(0, '127.0.0.1', resolve));
    const error = await refused(
      clientOf(`https://127.0.0.1:${(plain.address() as AddressInfo).port}`).version(),
    );
    plain.close();
    expect(error.message).toContain('does not speak TLS');
  });
});

describe('answers', () => {
  const answer =
    (status: number, body: string): Handler =>
    (_request, response) => {
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(body);
    };

  it('become errors with code, causes and message of the Status', async () => {
    const causes = [{ field: 'spec.x', message: 'bad', reason: 'FieldValueInvalid' }];
    const status = {
      kind: 'Status',
      reason: 'Invalid',
      message: 'no',
      code: 422,
      details: { kind: 'tasks', name: 'a', causes },
    };
    const http = await connect(answer(422, JSON.stringify(status)));
    const error = await refused(http.get('Task', 'default', 'a'));
    expect([error.code, error.message, error.details]).toEqual([
      'Invalid',
      'no',
      { kind: 'tasks', name: 'a', causes },
    ]);
  });

  it('of a wrong token say which host, and never the token', async () => {
    const http = await connect(
      answer(401, '{"kind":"Status","reason":"Unauthorized","message":"get one with X"}'),
    );
    const error = await refused(http.version());
    expect(error.message).toMatch(/does not accept this token: get one with X/);
    expect(error.message).not.toContain('river_secret');
  });

  it('that are not from a River host say so', async () => {
    const http = await connect(answer(200, '<html>'));
    expect((await refused(http.version())).message).toContain('is it a River host?');
  });

  it('reuse one connection', async () => {
    const ports = new Set<number | undefined>();
    const http = await connect((request, response) => {
      ports.add(request.socket.remotePort);
      response.end('{"gitVersion":"v1"}');
    });
    for (let index = 0; index < 3; index++) await http.version();
    expect(ports.size).toBe(1);
  });
});

describe('a watch', () => {
  const line = (type: string, object: object) => `${JSON.stringify({ type, object })}\n`;

  function record(http: HttpClient, seen: string[] = []) {
    return new Promise<{ seen: string[]; error?: RiverError }>((resolve) => {
      http.watch(
        'Task',
        { resourceVersion: '5' },
        {
          event: ({ type, object }) => seen.push(`${type} ${object.metadata.name}`),
          bookmark: (version) => seen.push(`at ${version}`),
          closed: (error) => resolve({ seen, error: error as RiverError | undefined }),
        },
      );
    });
  }

  it('reads lines however they are cut', async () => {
    const text =
      line('ADDED', { metadata: { name: 'ä' } }) + line('BOOKMARK', { metadata: { resourceVersion: '7' } });
    const bytes = Buffer.from(text);
    const urls: (string | undefined)[] = [];
    const http = await connect((request, response) => {
      urls.push(request.url);
      const next = (from: number): void => {
        if (from >= bytes.length) response.end();
        else response.write(bytes.subarray(from, from + 1), () => setImmediate(next, from + 1));
      };
      next(0);
    });
    expect(await record(http)).toEqual({ seen: ['ADDED ä', 'at 7'], error: undefined });
    expect(urls[0]).toBe('/apis/river.dev/v1/tasks?resourceVersion=5&watch=true&allowWatchBookmarks=true');
  });

  it('ends with the error of an ERROR event', async () => {
    const http = await connect((_request, response) =>
      response.end(line('ERROR', { kind: 'Status', reason: 'Expired', code: 410, message: 'too old' })),
    );
    expect((await record(http)).error?.code).toBe('Expired');
  });

  it('ends when the connection breaks', async () => {
    const http = await connect((_request, response) => {
      response.write(line('ADDED', { metadata: { name: 'a' } }), () => response.destroy());
    });
    const { seen, error } = await record(http);
    expect([seen, error?.code]).toEqual([['ADDED a'], 'ServiceUnavailable']);
  });

  it('ends when nothing comes for the idle timeout', async () => {
    const http = await connect((_request, response) => response.flushHeaders(), {
      clock: impatient,
      idleTimeoutMs: 9000,
    });
    const { error } = await record(http);
    expect([error?.code, error?.message]).toEqual(['Timeout', expect.stringContaining('nothing for 9 s')]);
  });

  it('says nothing any more once it is closed', async () => {
    let closedByPeer: () => void = () => {};
    const peerSawEnd = new Promise<void>((resolve) => {
      closedByPeer = resolve;
    });
    const http = await connect((_request, response) => {
      response.on('close', closedByPeer);
      response.write(line('ADDED', { metadata: { name: 'a' } }));
    });
    const seen: string[] = [];
    const watch = http.watch(
      'Task',
      {},
      {
        event: () => {
          seen.push('event');
          watch.close();
        },
        closed: () => seen.push('closed'),
      },
    );
    await peerSawEnd;
    expect(seen).toEqual(['event']);
  });
});

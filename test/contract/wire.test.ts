import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, describe, expect, it } from 'vitest';
import {
  columns,
  getCondition,
  type Node,
  type NodeStatus,
  type Run,
  unknownRunFields,
  validateObject,
} from '../../pkg/api/index.ts';
import { RiverError, realClock, seededRng, silentLogger } from '../../pkg/base/index.ts';
import {
  createHttpClient,
  type Heartbeat,
  type HeartbeatAnswer,
  type HttpClient,
} from '../../pkg/client/index.ts';
import { Informer } from '../../pkg/controller/index.ts';
import { ByteReader, encodeFrame, frameTypes, readFrames } from '../../pkg/gateway/frames.ts';
import { logService } from '../../pkg/gateway/index.ts';
import { decodeLine, encodeLine, fromWireError, type WireError } from '../../pkg/gateway/protocol.ts';
import { RunCache } from '../../pkg/runner/run-cache.ts';
import { authority, tls } from '../support/api-host.ts';
import { ControlPlane } from '../support/control-plane.ts';

/** What River says on the wire today. Never change these files: every later River reads what this one has written. */
const golden = (name: string) => readFileSync(join(import.meta.dirname, 'golden', name), 'utf8');
const json = <T>(name: string) => JSON.parse(golden(name)) as T;
/** A newer River adds fields wherever it likes. */
const newer = <T extends object>(value: T): T => ({ ...value, addedLater: { by: 'a newer river' } });

describe('heartbeat and Node status', () => {
  it.each([
    ['today', (value: object) => value],
    ['of a newer runner', newer],
  ])('%s are taken by the host', async (_name, shape) => {
    const plane = new ControlPlane();
    try {
      const node = await plane.joinNode('node1');
      await node.patchNode(shape(json<NodeStatus>('node-status.json')) as NodeStatus);
      const beat = shape(json<Heartbeat>('heartbeat.json')) as Heartbeat;
      const answer = await node.client.heartbeat('node1', beat);
      expect(answer).toMatchObject({ leaseMs: 30_000, ready: true, version: '0.1.0' });
      const { status } = await plane.admin.get('Node', '', 'node1');
      const { conditions, ...reported } = json<NodeStatus>('node-status.json');
      expect(status).toMatchObject(reported);
      expect(status?.usage).toMatchObject({ cpuPercent: 12.5, memoryUsed: 1073741824 });
      expect(status?.conditions?.map(({ type }) => type)).toEqual(conditions?.map(({ type }) => type));
    } finally {
      await plane.close();
    }
  });

  it('the answer has all that a runner of today reads', async () => {
    const plane = new ControlPlane();
    try {
      const node = await plane.joinNode('node1', { session: 'session-1' });
      const answer = await node.client.heartbeat('node1', json<Heartbeat>('heartbeat.json'));
      const { gateway: _gateway, ...read } = json<HeartbeatAnswer>('heartbeat-answer.json');
      const shapeOf = (value: object) =>
        Object.entries(value).map(([key, each]) => [key, Array.isArray(each) ? 'array' : typeof each]);
      expect(shapeOf(answer)).toEqual(expect.arrayContaining(shapeOf(read)));
    } finally {
      await plane.close();
    }
  });
});

describe('a Run', () => {
  const run = json<Run>('run.json');

  it('of today is valid, and has nothing that a runner does not know', () => {
    expect(validateObject('Run', run)).toEqual([]);
    expect(unknownRunFields(run)).toEqual([]);
  });

  it('of a newer host: what it asks of the execution is named, the rest is left alone', () => {
    const asked = {
      ...newer(run),
      spec: { ...run.spec, placement: { node: 'node1', tpus: ['0'] }, checkpoint: true },
      status: { ...run.status, progress: 7 },
    } as unknown as Run;
    expect(unknownRunFields(asked)).toEqual(['spec.checkpoint', 'spec.placement.tpus']);
  });

  it('and a Node of a newer host are printed, with phases and conditions that nobody knows', () => {
    const cells = (
      list: readonly { name: string; cell: (object: never, nowMs: number) => string }[],
      object: object,
    ) => Object.fromEntries(list.map(({ name, cell }) => [name, cell(object as never, 0)]));
    const later = { ...run, status: { ...run.status, phase: 'Hibernating' } };
    expect(Object.values(cells(columns.Run, later))).toContain('Hibernating');
    const status = json<NodeStatus>('node-status.json');
    const node = { metadata: { name: 'node1' }, status: newer({ ...status, runtimes: ['wasm'] }) };
    expect(cells(columns.Node, node)).toMatchObject({ STATUS: 'Ready' });
    expect(getCondition((node as Node).status?.conditions, 'Ready')?.status).toBe('True');
  });
});

describe('watch events', () => {
  let server: Server | undefined;
  let client: HttpClient | undefined;
  const closing: (() => void)[] = [];

  afterEach(async () => {
    for (const close of closing.splice(0)) close();
    client?.close();
    server?.closeAllConnections();
    await new Promise((resolve) => server?.close(resolve));
  });

  async function connect(...files: string[]): Promise<HttpClient> {
    server = createServer(tls, (request, response) => {
      if (request.url?.includes('watch=true')) response.write(files.map(golden).join(''));
      else
        response.end(
          JSON.stringify(newer({ items: [json('run.json')], metadata: { resourceVersion: '41' } })),
        );
    });
    await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const address = `https://127.0.0.1:${port}`;
    client = createHttpClient({ server: address, ca: authority.certificate, token: 't', clock: realClock });
    return client;
  }

  const parts = (http: HttpClient) => ({
    client: http,
    clock: realClock,
    rng: seededRng(1),
    logger: silentLogger,
    count: () => {},
  });

  it('are followed by the cache of a runner, those of a newer host too', async () => {
    const changes: string[] = [];
    const cache = new RunCache({
      ...parts(await connect('watch-runs.jsonl', 'watch-runs-newer.jsonl')),
      node: 'node1',
      onChange: (uid) => changes.push(uid),
      onSynced: () => {},
    });
    closing.push(() => cache.close());
    cache.restart();
    await expect.poll(() => cache.get('u3')?.status?.phase, { timeout: 10_000 }).toBe('Hibernating');
    expect([...cache.uids()]).toEqual([json<Run>('run.json').metadata.uid, 'u1', 'u3']);
    expect(cache.get('u1')?.spec.desired).toBe('Stopped');
    expect(changes).not.toContain('u9');
  });

  it('are followed by the caches of host and CLI, those of a newer host too', async () => {
    const http = await connect('watch-runs.jsonl', 'watch-runs-newer.jsonl');
    const informer = new Informer({ ...parts(http), kind: 'Run' });
    closing.push(() => informer.stop());
    informer.start();
    await expect
      .poll(() => informer.list().map(({ metadata }) => metadata.name), { timeout: 10_000 })
      .toEqual(['train-6d1f0c3a-0-0', 'a-1', 'a-3']);
    expect(informer.metrics().relists).toBe(1);
  });
});

describe('a channel of the tunnel', () => {
  const lines = json<{ request: string; answer: string; refusal: string; frames: string }>('tunnel.json');
  const reader = (bytes: string | Buffer) => new ByteReader(Readable.from([Buffer.from(bytes as string)]));
  const ends = {
    broken: () => new RiverError('ServiceUnavailable', 'broken'),
    failed: (error: WireError) => fromWireError('node1', error),
  };

  async function contentOf(frames: Buffer): Promise<string> {
    const pieces: Buffer[] = [];
    for await (const piece of readFrames(new ByteReader(Readable.from([frames])), ends)) pieces.push(piece);
    return Buffer.concat(pieces).toString();
  }

  it.each([
    ['today', (line: object) => line],
    ['of a newer host', newer],
  ])('a request %s is served', async (_name, shape) => {
    const line = await reader(lines.request).line();
    const request = shape(decodeLine(line ?? Buffer.alloc(0)) ?? {});
    const sent: Buffer[] = [];
    const serve = logService({
      open: async (wanted) => {
        expect(wanted).toMatchObject({
          namespace: 'default',
          run: 'a-1',
          stream: 'stdout',
          offset: 4,
          exists: true,
        });
        const chunks = (async function* () {
          yield Buffer.from('two\n');
        })();
        return { startsAt: 4, chunks };
      },
    });
    await serve(
      request as never,
      {
        finished: true,
        onFinished: () => ({ close: () => {} }),
        signal: new AbortController().signal,
        answer: async (fields: object) => void sent.push(encodeLine(fields)),
        send: async (chunk: Uint8Array) => void sent.push(encodeFrame(frameTypes.data, chunk)),
      } as never,
    );
    sent.push(encodeFrame(frameTypes.end, Buffer.alloc(0)));
    expect(Buffer.concat(sent)).toEqual(
      Buffer.concat([Buffer.from(lines.answer), Buffer.from(lines.frames, 'hex')]),
    );
  });

  it('its frames are read to their end, and a refusal as the error that it is', async () => {
    expect(await contentOf(Buffer.from(lines.frames, 'hex'))).toBe('two\n');
    const { error } = decodeLine(Buffer.from(lines.refusal)) as { error: WireError };
    expect(fromWireError('node1', error)).toMatchObject({
      code: 'NotFound',
      message: 'node node1: the stdout of run a-1 is gone',
    });
  });

  it('an error code of a newer node is an error all the same', async () => {
    const refusal = Buffer.from(JSON.stringify({ code: 'Hibernating', message: 'later' }));
    const frames = encodeFrame(frameTypes.error, refusal);
    await expect(contentOf(frames)).rejects.toMatchObject({
      code: 'InternalError',
      message: 'node node1: later',
    });
  });
});

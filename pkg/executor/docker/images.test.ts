import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Docker from 'dockerode';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { realClock } from '../../base/index.ts';
import { Images } from './images.ts';

interface Answer {
  status: number;
  body: object;
}

const folder = mkdtempSync(join(tmpdir(), 'river-images-'));
const socketPath = join(folder, 'engine.sock');
let pull: Answer;
let pulls: string[] = [];
let looks = 0;
/** A pull is answered when it settles. */
let held = Promise.resolve();
let server: Server;

/** An engine without images, which answers every pull with `pull`. */
beforeAll(async () => {
  server = createServer(async (request, response) => {
    const isPull = request.method === 'POST';
    if (isPull) pulls.push(request.url ?? '');
    else looks += 1;
    if (isPull) await held;
    const { status, body } = isPull ? pull : { status: 404, body: { message: 'No such image' } };
    response.writeHead(status, { 'content-type': 'application/json' }).end(`${JSON.stringify(body)}\n`);
  }).listen(socketPath);
  await once(server, 'listening');
});

afterAll(() => {
  server.close();
  rmSync(folder, { recursive: true });
});

const images = () => new Images(new Docker({ socketPath }), realClock);
const ensure = (image: string, from = images()) => from.ensure(image, new AbortController().signal);

describe('a pull that fails', () => {
  test.each([
    [404, 'pull access denied for a, repository does not exist or may require docker login'],
    [404, 'manifest for a:1 not found: manifest unknown: manifest unknown'],
    [500, 'Head "https://r/v2/a/manifests/1": unauthorized: authentication required'],
    [500, 'no matching manifest for linux/arm64/v8 in the manifest list entries'],
  ])('for good: %i %s', async (status, message) => {
    pull = { status, body: { message } };
    await expect(ensure('a:1')).rejects.toMatchObject({
      transient: false,
      details: { causes: [{ reason: 'ImageNotFound' }] },
    });
  });

  test.each([
    [500, 'Get "https://r/v2/": dial tcp: lookup r on 10.0.0.1:53: no such host'],
    [500, 'Get "https://r/v2/": dial tcp: lookup r: server misbehaving: host not found'],
    [500, 'Get "https://r/v2/": net/http: request canceled (Client.Timeout exceeded)'],
    [500, 'received unexpected HTTP status: 503 Service Unavailable'],
    [429, 'toomanyrequests: You have reached your pull rate limit'],
  ])('for now: %i %s', async (status, message) => {
    pull = { status, body: { message } };
    await expect(ensure('a:1')).rejects.toMatchObject({
      transient: true,
      message: expect.stringContaining(message),
      details: { causes: [{ reason: 'ImagePullFailed' }] },
    });
  });

  test('half way: the engine answers well and says so in the stream', async () => {
    pull = { status: 200, body: { errorDetail: {}, error: 'unexpected EOF' } };
    await expect(ensure('a:1')).rejects.toMatchObject({ transient: true });
    pull = { status: 200, body: { errorDetail: {}, error: 'write /x: no space left on device' } };
    await expect(ensure('a:1')).rejects.toThrow('no space left');
  });

  test('is tried anew by the next who asks', async () => {
    const same = images();
    pull = { status: 500, body: { message: 'connection refused' } };
    await expect(ensure('a:1', same)).rejects.toMatchObject({ transient: true });
    pull = { status: 200, body: { status: 'Downloaded' } };
    await ensure('a:1', same);
  });
});

test('a run without an image is refused, and the engine is not asked', async () => {
  const before = looks;
  await expect(ensure('')).rejects.toThrow('The run names no image: set spec.image or spec.environment');
  expect(looks).toBe(before);
});

test('many who wait share one pull, and a name without a tag means one image', async () => {
  pull = { status: 200, body: { status: 'Downloaded' } };
  pulls = [];
  looks = 0;
  const { promise, resolve } = Promise.withResolvers<void>();
  held = promise;
  const same = images();
  const all = [1, 2, 3].map(() => ensure('a', same));
  await vi.waitUntil(() => looks === 3 && pulls.length > 0);
  // Another exchange with the engine: by its end, all three have had their answers.
  await new Docker({ socketPath })
    .getImage('b')
    .inspect()
    .catch(() => {});
  resolve();
  await Promise.all(all);
  expect(pulls).toEqual(['/images/create?fromImage=a&tag=latest']);
});

import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { environmentFile, layerOf } from '../../../test/support/environment-file.ts';
import { openEngine } from '../../engine/index.ts';
import { loaded } from './load.ts';

let folder: string;
let tarball: string;
let server: Server;

/** More in each layer than what waits between a file and who does not read. */
const layers = ['one', 'two'].map((name) => layerOf({ [name]: Buffer.alloc(8 * 2 ** 20, name) }));

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'river-load-'));
  tarball = environmentFile(folder, 'py', layers).tarball;
  server = createServer();
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
  rmSync(folder, { recursive: true });
});

const isLoad = ({ url }: IncomingMessage) => url?.startsWith('/images/load') === true;

async function load(signal?: AbortSignal): Promise<unknown> {
  const socketPath = join(folder, 'docker.sock');
  await new Promise<void>((resolve) => server.listen(socketPath, resolve));
  const parts = { engine: openEngine(socketPath), cluster: 'c1', signal, output: () => {} };
  return loaded(parts, tarball, { what: 'it', named: async () => {} }).catch((error: unknown) => error);
}

test('a file that cannot be read to its end is what the error says, and the engine is let go of', async () => {
  const cut = Promise.withResolvers<void>();
  server.on('request', (request, response) => {
    if (!isLoad(request)) return response.writeHead(404).end('{}');
    rmSync(tarball);
    request.on('error', () => cut.resolve());
    return request.resume();
  });
  expect(await load()).toMatchObject({ code: 'ENOENT', path: tarball });
  await cut.promise;
});

test('what an engine refuses half way is its refusal', async () => {
  server.on('request', (request, response) =>
    isLoad(request)
      ? response.writeHead(500).end(JSON.stringify({ message: 'no space left' }))
      : response.writeHead(404).end('{}'),
  );
  expect(await load()).toMatchObject({
    statusCode: 500,
    message: expect.stringContaining('no space left'),
  });
});

test('a load that is given up ends, also with an engine that reads nothing', async () => {
  const stop = new AbortController();
  server.on('request', (request, response) => {
    if (isLoad(request)) stop.abort();
    else response.writeHead(404).end('{}');
  });
  expect(await load(stop.signal)).toBeInstanceOf(Error);
});

import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { silentLogger } from '../../base/index.ts';
import type { ArchivedImage, ByteSource } from '../index.ts';
import { dockerImageStore } from './image-store.ts';
import { tarEnd } from './tar.ts';

const sha256 = (data: string | Buffer) => `sha256:${createHash('sha256').update(data).digest('hex')}`;

/** The files of a tar of small ones, by path. */
function filesOf(tar: Buffer): Map<string, Buffer> {
  const files = new Map<string, Buffer>();
  for (let at = 0; at + tarEnd.length < tar.length; ) {
    const path = tar.toString('utf8', at, at + 100).replace(/\0.*$/s, '');
    const size = Number.parseInt(tar.toString('utf8', at + 124, at + 135), 8);
    files.set(path, tar.subarray(at + 512, at + 512 + size));
    at += 512 + Math.ceil(size / 512) * 512;
  }
  return files;
}

/** An engine that takes whole images only and gives them IDs of its own, as those with the containerd image store do. */
class OtherEngine {
  readonly folder = mkdtempSync(join(tmpdir(), 'river-engine-'));
  readonly socketPath = join(this.folder, 'engine.sock');
  readonly images = new Map<string, string[]>();
  readonly tags = new Map<string, string>();
  readonly sent: string[][] = [];
  readonly server: Server = createServer(async (request, response) => {
    const { status, body } = await this.#answer(request);
    response.writeHead(status, { 'content-type': 'application/json' }).end(`${JSON.stringify(body)}\n`);
  });

  async #answer(request: IncomingMessage): Promise<{ status: number; body: object }> {
    const url = new URL(request.url ?? '', 'http://engine');
    if (url.pathname === '/info')
      return {
        status: 200,
        body: { ID: 'x', ServerVersion: '29.0', Driver: 'overlayfs', DockerRootDir: '/' },
      };
    if (url.pathname === '/images/load') return { status: 200, body: await this.#load(request) };
    const [, name = '', verb] =
      /^\/images\/(.*?)(\/json|\/tag)?$/.exec(decodeURIComponent(url.pathname)) ?? [];
    const id = this.images.has(name) ? name : this.tags.get(name);
    if (id === undefined) return { status: 404, body: { message: 'No such image' } };
    if (verb === '/tag') this.tags.set(`${url.searchParams.get('repo')}:${url.searchParams.get('tag')}`, id);
    else if (request.method === 'DELETE') this.images.delete(id);
    return { status: 200, body: { Id: id, RootFS: { Layers: this.images.get(id) } } };
  }

  async #load(request: IncomingMessage): Promise<object> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const files = filesOf(Buffer.concat(chunks));
    const [{ Config, Layers }] = JSON.parse(String(files.get('manifest.json'))) as [
      { Config: string; Layers: string[] },
    ];
    this.sent.push([...files.keys()]);
    const missing = Layers.find((path) => !files.has(path));
    if (missing !== undefined) return { error: `unable to find blob ${missing}` };
    const id = sha256(`manifest of ${Config}`);
    const config = JSON.parse(String(files.get(Config))) as { rootfs: { diff_ids: string[] } };
    this.images.set(id, config.rootfs.diff_ids);
    return { stream: `Loaded image ID: ${id}\n` };
  }
}

let engine: OtherEngine;

beforeEach(async () => {
  engine = new OtherEngine();
  engine.server.listen(engine.socketPath);
  await once(engine.server, 'listening');
});

afterEach(() => {
  engine.server.closeAllConnections();
  engine.server.close();
  rmSync(engine.folder, { recursive: true });
});

const layers = ['one', 'two'].map((text) => Buffer.from(text.repeat(100)));
const config = Buffer.from(JSON.stringify({ rootfs: { type: 'layers', diff_ids: layers.map(sha256) } }));
const file = Buffer.concat([config, ...layers]);
const image: ArchivedImage = {
  ...{ name: 'py', digest: sha256(config), config: { offset: 0, size: config.length } },
  layers: layers.map((layer) => ({ offset: file.indexOf(layer), size: layer.length, diffId: sha256(layer) })),
};
const source: ByteSource = {
  async *read({ offset, size }) {
    yield file.subarray(offset, offset + size);
  },
};
const options = { signal: new AbortController().signal, onProgress: () => {} };

test('an engine that takes whole images only gets them whole, and says so', async () => {
  const store = dockerImageStore({ socketPath: engine.socketPath, logger: silentLogger });
  expect(await store.probe()).toMatchObject({ ready: true, reason: 'LoadsWholeFiles' });
  expect(engine.images.size).toBe(0);
  expect(await store.find('py', image.digest)).toBeUndefined();
  await store.load(image, source, options);
  const found = await store.find('py', image.digest);
  expect(engine.images.get(found ?? '')).toEqual(layers.map(sha256));
  expect(found).not.toBe(image.digest);
  await store.load(image, source, options);
  expect(engine.sent.at(-1)).toHaveLength(4);
});

test('an image of other layers than were sent gets no name', async () => {
  const store = dockerImageStore({ socketPath: engine.socketPath, logger: silentLogger });
  await store.probe();
  const set = engine.images.set.bind(engine.images);
  engine.images.set = (id) => set(id, ['sha256:other']);
  await expect(store.load(image, source, options)).rejects.toMatchObject({ transient: true });
  expect(engine.tags.size).toBe(0);
});

import { createHash, randomBytes } from 'node:crypto';
import { rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Docker from 'dockerode';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { silentLogger } from '../../pkg/base/index.ts';
import { dockerImageStore } from '../../pkg/executor/docker/index.ts';
import { smallTar } from '../../pkg/executor/docker/tar.ts';
import type { ByteRange, LoadProgress } from '../../pkg/executor/index.ts';
import { withEngine } from '../env/engine.ts';
import { type EnvironmentFile, environmentFile, fileSource, layerOf } from '../support/environment-file.ts';
import { temporaryFolder } from './executor-parts.ts';

const { engine } = await withEngine();
const socketPath = engine?.socketPath ?? '/nowhere/docker.sock';
const docker = new Docker({ socketPath });
const folder = temporaryFolder();
const store = dockerImageStore({ socketPath, logger: silentLogger });
const { signal } = new AbortController();
/** Of this test run alone, so that an engine of the machine has none of it. */
const salt = randomBytes(8).toString('hex');
const base = layerOf({ 'base.txt': Buffer.from(`base ${salt}`), 'base.bin': randomBytes(300_000) });
const made: EnvironmentFile[] = [];

function environment(name: string, layers: Buffer[]): EnvironmentFile {
  const file = environmentFile(folder.path, name, layers);
  made.push(file);
  return file;
}

/** Loads it, and says what was read of the file. */
async function load(file: EnvironmentFile, more: { signal?: AbortSignal } = {}) {
  const read: ByteRange[] = [];
  const progress: LoadProgress[] = [];
  const source = fileSource(file.tarball, (range) => read.push(range));
  const result = await store.load(file.image, source, {
    signal: more.signal ?? signal,
    onProgress: (step) => progress.push(step),
  });
  return { read, progress, result };
}

const ids = async () => (await docker.listImages({ all: true })).map(({ Id }) => Id).sort();
const find = ({ image }: EnvironmentFile) => store.find(image.name, image.digest);

afterAll(async () => {
  for (const { image } of engine ? made : []) await store.remove(image.name, image.digest);
  await engine?.release();
  folder.remove();
});

describe.skipIf(!engine)('environments in a real engine', () => {
  let before: string[];

  beforeAll(async () => {
    before = await ids();
  });

  test('the engine is asked how it takes images, and nothing of that stays', async () => {
    expect(await store.probe()).toMatchObject({ ready: true, reason: 'LoadsMissingLayers' });
    expect(await ids()).toEqual(before);
  });

  test('the first load brings all layers, the next one the changed layer alone', async () => {
    const one = environment(`one-${salt}`, [base, layerOf({ 'a.txt': Buffer.from(`a ${salt}`) })]);
    const two = environment(`one-${salt}`, [base, layerOf({ 'a.txt': Buffer.from(`b ${salt}`) })]);
    expect(await find(one)).toBeUndefined();
    const first = await load(one);
    expect(first.read).toEqual([one.image.config, ...one.image.layers]);
    expect(await find(one)).toBe(one.image.digest);
    const second = await load(two);
    expect(second.read).toEqual([two.image.config, two.image.layers[1]]);
    expect(second.progress.at(-1)).toEqual({
      ...{ bytes: two.image.layers[1]?.size, totalBytes: two.image.layers[1]?.size },
      ...{ layers: 1, totalLayers: 1 },
    });
    expect(await find(two)).toBe(two.image.digest);
    expect(await find(one)).toBe(one.image.digest);
  });

  test('an image that was loaded holds what the layers hold', async () => {
    const file = environment(`holds-${salt}`, [base, layerOf({ 'a.txt': Buffer.from(`a ${salt}`) })]);
    await load(file);
    const container = await docker.createContainer({ Image: file.image.digest, Cmd: ['none'] });
    const chunks: Buffer[] = [];
    for await (const chunk of await container.getArchive({ path: '/base.txt' })) chunks.push(chunk as Buffer);
    await container.remove();
    expect(Buffer.concat(chunks).toString()).toContain(`base ${salt}`);
  });

  test('the same layer twice is sent once', async () => {
    const twice = layerOf({ 'twice.txt': Buffer.from(salt) });
    const file = environment(`twice-${salt}`, [twice, base, twice]);
    const { read } = await load(file);
    expect(read).toHaveLength(3);
    expect(await find(file)).toBe(file.image.digest);
  });

  test('a layer under another one than before is another layer', async () => {
    const top = layerOf({ 'top.txt': Buffer.from(`top ${salt}`) });
    await load(environment(`order-${salt}`, [base, top]));
    const file = environment(`order-${salt}`, [top, base]);
    const { read } = await load(file);
    expect(read).toHaveLength(3);
    expect(await find(file)).toBe(file.image.digest);
  });

  describe('a file that is not what it should be leaves no image', () => {
    const fresh = (name: string) =>
      environment(`${name}-${salt}`, [base, layerOf({ 'x.bin': randomBytes(200_000) })]);

    async function refusedLoad(file: EnvironmentFile, reason: string) {
      const images = await ids();
      await expect(load(file)).rejects.toMatchObject({
        transient: true,
        details: { causes: [{ reason }] },
      });
      expect(await find(file)).toBeUndefined();
      expect(await ids()).toEqual(images);
    }

    test('other bytes in a layer', async () => {
      const file = fresh('bytes');
      const layer = file.image.layers[1];
      const content = file.read();
      content[(layer?.offset ?? 0) + 1000] = (content[(layer?.offset ?? 0) + 1000] ?? 0) ^ 1;
      writeFileSync(file.tarball, content);
      await refusedLoad(file, 'EnvironmentDamaged');
    });

    test('another config', async () => {
      const file = fresh('config');
      const content = file.read();
      content[file.image.config.offset + 3] = 0x41;
      writeFileSync(file.tarball, content);
      await refusedLoad(file, 'EnvironmentDamaged');
    });

    test('an index of other layers', async () => {
      const file = fresh('index');
      const [first] = file.image.layers;
      const digest = `sha256:${createHash('sha256').update('other').digest('hex')}`;
      await refusedLoad(
        { ...file, image: { ...file.image, layers: first ? [{ ...first, diffId: digest }] : [] } },
        'EnvironmentDamaged',
      );
    });

    test('cut short', async () => {
      const file = fresh('short');
      truncateSync(file.tarball, (file.image.layers[1]?.offset ?? 0) + 5000);
      await refusedLoad(file, 'EnvironmentDamaged');
    });

    test('gone', async () => {
      const file = fresh('gone');
      rmSync(file.tarball);
      await refusedLoad(file, 'EnvironmentDamaged');
    });

    test('a load that is given up, and the same one again', async () => {
      const file = environment(`given-up-${salt}`, [base, layerOf({ 'x.bin': randomBytes(8_000_000) })]);
      const abort = new AbortController();
      const source = fileSource(file.tarball, () => {});
      const images = await ids();
      const loading = store.load(file.image, source, {
        signal: abort.signal,
        onProgress: ({ bytes }) => bytes > 1_000_000 && abort.abort(),
      });
      await expect(loading).rejects.toThrow();
      expect(await find(file)).toBeUndefined();
      expect(await ids()).toEqual(images);
      await load(file);
      expect(await find(file)).toBe(file.image.digest);
    });
  });

  test('an image whose layers are gone is loaded in full again', async () => {
    const file = environment(`again-${salt}`, [layerOf({ 'only.bin': randomBytes(50_000) })]);
    await load(file);
    await docker.getImage(file.image.digest).remove({ force: true });
    expect(await find(file)).toBeUndefined();
    const { read } = await load(file);
    expect(read).toHaveLength(2);
    expect(await find(file)).toBe(file.image.digest);
  });

  test('an image is not removed while a container needs it', async () => {
    const file = environment(`used-${salt}`, [base, layerOf({ 'u.txt': Buffer.from(salt) })]);
    await load(file);
    const container = await docker.createContainer({ Image: file.image.digest, Cmd: ['none'] });
    const { name, digest } = file.image;
    expect(await store.remove(name, digest)).toBe('inUse');
    expect(await find(file)).toBe(digest);
    await container.remove();
    expect(await store.remove(name, digest)).toBe('removed');
    expect(await find(file)).toBeUndefined();
    expect(await store.remove(name, digest)).toBe('removed');
  });

  test('the room on its disk is known', async () => {
    expect(await store.freeBytes()).toBeGreaterThan(0);
  });
});

test('an engine that is not there is told in one sentence', async () => {
  const absent = dockerImageStore({ socketPath: join(folder.path, 'none.sock'), logger: silentLogger });
  expect(await absent.probe()).toMatchObject({ ready: false, reason: 'EngineUnreachable' });
  const file = environmentFile(folder.path, 'absent', [smallTar({ a: Buffer.from('a') })]);
  await expect(
    absent.load(
      file.image,
      fileSource(file.tarball, () => {}),
      { signal, onProgress: () => {} },
    ),
  ).rejects.toMatchObject({ code: 'ServiceUnavailable' });
});

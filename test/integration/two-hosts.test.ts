import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Docker from 'dockerode';
import { afterAll, describe, expect, test } from 'vitest';
import type { EnvironmentSpec } from '../../pkg/api/index.ts';
import { realClock, realRng, silentLogger } from '../../pkg/base/index.ts';
import {
  type BuildResult,
  dockerBuilder,
  type EnvironmentBuilder,
  type KeptState,
} from '../../pkg/builder/index.ts';
import { imageTag, indexFile, tarballFile, Uploads } from '../../pkg/environment/index.ts';
import { smallTar } from '../../pkg/executor/docker/tar.ts';
import { withEngine } from '../env/engine.ts';
import { temporaryFolder } from './executor-parts.ts';

const { engine } = await withEngine();
const socketPath = engine?.socketPath ?? '/nowhere/docker.sock';
const docker = new Docker({ socketPath });
const folder = temporaryFolder();
const shared = join(folder.path, 'shared');
/** Of this test run alone. */
const salt = realRng.uuid().slice(0, 8);

interface Host {
  builder: EnvironmentBuilder;
  build(name: string, spec: EnvironmentSpec): Promise<BuildResult>;
  /** All else of it may go; `tight`: at any age. */
  keep(...states: KeptState[]): Promise<void>;
  said(name: string): string;
}

/** A host of a cluster of its own. Its layers are young, and the disk is full whenever it says so. */
function host(cluster: string): Host {
  const stateDir = join(folder.path, cluster);
  const builder = dockerBuilder({
    ...{ cluster, socketPath, directory: shared, stateDir, clock: realClock, logger: silentLogger },
    ...{ cacheAgeMs: 3_600_000, minFreeBytes: Number.MAX_SAFE_INTEGER },
    uploads: new Uploads(join(stateDir, 'uploads'), realClock),
  });
  return {
    builder,
    build: (name, spec) =>
      builder.build({
        ...{ name, spec, builtAt: '2026-01-01T00:00:00Z', signal: new AbortController().signal },
        onProgress: () => {},
      }),
    keep: (...states) => builder.collect({ states, isBusy: () => false, uploads: new Set() }),
    said: (name) => readFileSync(builder.logFile(name), 'utf8'),
  };
}

const a = host(`a-${salt}`);
const b = host(`b-${salt}`);
const has = async (reference: string) =>
  docker
    .getImage(reference)
    .inspect()
    .then(() => true)
    .catch(() => false);
const tarballs = (name: string, digest: string) =>
  [tarballFile, indexFile].map((file) => existsSync(file(shared, name, digest)));

afterAll(async () => {
  if (engine) for (const each of [a, b]) await each.keep();
  await engine?.release();
  folder.remove();
});

describe.skipIf(!engine)('two hosts that use one engine and one directory', () => {
  const image = engine?.image ?? '';
  const name = `py-${salt}`;
  const spec = (word: string): EnvironmentSpec => ({
    from: { image },
    steps: [{ run: `echo ${word} ${salt} > /what` }],
  });

  test('neither takes away what the other has built under the same name', async () => {
    const [ofA, ofB] = [await a.build(name, spec('a')), await b.build(name, spec('b'))];
    await a.keep();
    expect([await has(ofA.image), ...tarballs(name, ofA.digest)]).toEqual([false, false, false]);
    expect([await has(ofB.image), ...tarballs(name, ofB.digest)]).toEqual([true, true, true]);
    await b.keep({ name, digest: ofB.digest });
    expect([await has(ofB.image), ...tarballs(name, ofB.digest)]).toEqual([true, true, true]);
    await b.keep();
    expect([await has(ofB.digest), ...tarballs(name, ofB.digest)]).toEqual([false, false, false]);
  });

  test('what is the same for both goes when the second lets go of it', async () => {
    const plain = { from: { image } };
    const { digest, image: tag } = await a.build(name, plain);
    expect((await b.build(name, plain)).digest).toBe(digest);
    await a.keep();
    expect([await has(tag), ...tarballs(name, digest)]).toEqual([true, true, true]);
    await b.keep();
    expect([await has(tag), ...tarballs(name, digest)]).toEqual([false, false, false]);
    expect(await has(image)).toBe(true);
  });

  test('layers of before stay for builds of the host that has made them, on a full disk too', async () => {
    const first = await b.build(name, spec('first'));
    const second = await b.build(name, {
      from: { image },
      steps: [{ run: `echo first ${salt} > /what` }, { run: 'exit 0' }],
    });
    await a.keep();
    await b.build(name, spec('first'));
    expect(b.said(name)).toContain('(as before)');
    expect(await has(second.image)).toBe(true);
    await b.keep();
    expect([await has(first.digest), await has(second.digest)]).toEqual([false, false]);
  });

  test('a root file system is imported once for both, and stays until none needs it', async () => {
    const rootfs = join(folder.path, 'root.tar');
    writeFileSync(rootfs, smallTar({ what: Buffer.from(salt) }));
    const inA = await a.build(name, { from: { rootfs } });
    const inB = await b.build(name, { from: { rootfs } });
    expect(inB.digest).toBe(inA.digest);
    await a.keep();
    expect(await has(inB.image)).toBe(true);
    // Nothing of A is left that would hold it: the name that B has given it does.
    await docker.getImage(inB.image).remove();
    await a.keep();
    expect(await has(inB.digest)).toBe(true);
    await b.keep();
    expect(await has(inB.digest)).toBe(false);
  });

  test('of what was made before there were marks, a host takes away what its store has known', async () => {
    const digest = `sha256:${realRng.uuid().replaceAll('-', '').repeat(2)}`;
    const old = { name: `old-${salt}`, digest };
    const tag = imageTag(old.name, digest);
    const [repo = '', short = ''] = tag.split(':');
    await docker.getImage(image).tag({ repo, tag: short });
    mkdirSync(shared, { recursive: true });
    for (const file of [tarballFile, indexFile]) writeFileSync(file(shared, old.name, digest), '{}');
    const left = async () => [await has(tag), ...tarballs(old.name, digest)];

    await b.keep();
    expect(await left()).toEqual([true, true, true]);
    await a.keep(old);
    await b.keep();
    expect(await left()).toEqual([true, true, true]);
    await a.keep();
    expect(await left()).toEqual([false, false, false]);
  });

  test('a host that starts leaves alone what another is writing', async () => {
    mkdirSync(shared, { recursive: true });
    const half = (cluster: string) => join(shared, `${name}-0123456789ab.tar.${cluster}${salt}.partial`);
    for (const cluster of ['a', 'b']) writeFileSync(half(cluster), 'half');
    await a.builder.recover();
    expect([existsSync(half('a')), existsSync(half('b'))]).toEqual([false, true]);
    await b.builder.recover();
    expect(existsSync(half('b'))).toBe(false);
  });
});

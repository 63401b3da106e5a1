import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import Docker from 'dockerode';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { EnvironmentSpec } from '../../pkg/api/index.ts';
import { realClock, realRng, silentLogger } from '../../pkg/base/index.ts';
import { dockerBuilder } from '../../pkg/builder/index.ts';
import { readImageLayout, Uploads } from '../../pkg/environment/index.ts';
import { withEngine } from '../env/engine.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { eventually, temporaryFolder } from './executor-parts.ts';

const run = promisify(execFile);
const { engine } = await withEngine();
const socketPath = engine?.socketPath ?? '/nowhere/docker.sock';
const docker = new Docker({ socketPath });
const folder = temporaryFolder();
const stateDir = join(folder.path, 'host');
const directory = join(stateDir, 'environments');
/** Of this test run alone, so that an engine of the machine has none of it. */
const salt = realRng.uuid();
const clock = new ManualClock();
const builder = dockerBuilder({
  cluster: 'c1',
  ...{ socketPath, directory, stateDir, cacheAgeMs: 0, minFreeBytes: 0, clock, logger: silentLogger },
  uploads: new Uploads(join(folder.path, 'uploads'), clock),
});

const path = (name: string) => join(folder.path, name);
const said = (name: string) => readFileSync(builder.logFile(name), 'utf8');
const build = (name: string, spec: EnvironmentSpec, signal = new AbortController().signal) =>
  builder.build({ ...{ name, spec, builtAt: '2026-01-01T00:00:00Z', signal }, onProgress: () => {} });
const contentOf = async (image: string, file: string) => {
  const cli = ['-H', `unix://${socketPath}`, 'run', '--rm', '--network=host', image, 'cat', file];
  return (await run('docker', cli)).stdout;
};

afterAll(async () => {
  if (engine) await builder.collect({ states: [], isBusy: () => false, uploads: new Set() });
  await engine?.release();
  folder.remove();
});

describe.skipIf(!engine)('environments that are built by a real engine', () => {
  /** A root file system with busybox. */
  const rootfs = path('root.tar');
  const saved = path('saved.tar');
  let digest = '';
  /** Its name in the engine. */
  let image = '';

  beforeAll(async () => {
    const root = path('root');
    mkdirSync(join(root, 'bin'), { recursive: true });
    writeFileSync(join(root, 'what'), salt);
    await run('sh', [
      '-c',
      'cp "$(command -v busybox)" "$1/bin/" && for n in sh cat sleep echo; do ln -s busybox "$1/bin/$n"; done',
      'sh',
      root,
    ]);
    await run('tar', ['-C', root, '-cf', rootfs, '.']);
  });

  test('from a root file system: imported once, and again when the file is another one', async () => {
    const spec = { from: { rootfs }, steps: [{ run: 'cat /what > /copy' }] };
    const first = await build('root', spec);
    expect(first.steps.map(({ size }) => size)).toEqual([salt.length]);
    expect(await contentOf(first.image, '/copy')).toBe(salt);
    expect(said('root')).toContain(`importing ${rootfs}`);
    const again = await build('root', spec);
    expect(again.digest).toBe(first.digest);
    expect(said('root')).not.toContain('importing');
    ({ digest, image } = first);
    await run('cp', [first.tarball.path, saved]);
    writeFileSync(join(path('root'), 'what'), 'another');
    await run('tar', ['-C', path('root'), '-cf', rootfs, '.']);
    expect(await contentOf((await build('root', spec)).image, '/copy')).toBe('another');
  });

  test('from a tarball: with its digest, read only by an engine that has not got it', async () => {
    const from = { tarball: saved };
    expect((await build('tarball', { from })).digest).toBe(digest);
    // An engine with IDs of its own cannot be asked for a digest.
    const hasDigests = (await docker.getImage(image).inspect()).Id === digest;
    expect(said('tarball').includes('loading')).toBe(!hasDigests);
    await builder.collect({ states: [], isBusy: () => false, uploads: new Set() });
    await eventually('the engine to forget it', async () =>
      docker
        .getImage(image)
        .inspect()
        .then(
          () => false,
          () => true,
        ),
    );
    const loaded = await build('tarball', { from });
    expect(said('tarball')).toContain(`loading ${saved}`);
    expect(loaded.digest).toBe(digest);
    expect(await contentOf(loaded.image, '/copy')).toBe(salt);
    image = loaded.image;
  });

  test('from a tarball with a damaged layer: the engine is said to have refused it, not to be away', async () => {
    const damaged = path('damaged.tar');
    const { digest, tarball } = await build('whole', { from: { rootfs }, steps: [{ run: 'echo > /whole' }] });
    const content = readFileSync(tarball.path);
    const { offset = 0 } = (await readImageLayout(tarball.path)).layers.at(-1) ?? {};
    content[offset + 512] = (content[offset + 512] ?? 0) ^ 1;
    writeFileSync(damaged, content);
    // With the layers below it that have no name, but not what the other tests build on.
    await docker.getImage(digest).remove({ force: true });
    await expect(docker.getImage(digest).inspect()).rejects.toMatchObject({ statusCode: 404 });
    const refused = build('damaged', { from: { tarball: damaged } });
    await expect(refused).rejects.toMatchObject({ code: 'BadRequest' });
    expect(said('damaged')).toMatch(/\nthe Docker Engine of the host refused: .*layer/);
  });

  test('names in a tarball are not given away: what the engine has under them stays', async () => {
    const name = `named-${salt}:1`;
    const file = path('named.tar');
    const cli = ['-H', `unix://${socketPath}`];
    const mine = `FROM ${image}\nLABEL salt=${salt}\n`;
    await run('sh', ['-c', 'printf %s "$1" | docker "$2" "$3" build -t "$4" -', 'sh', mine, ...cli, name]);
    const { Id } = await docker.getImage(name).inspect();
    await run('docker', [...cli, 'save', '-o', file, name]);
    await docker.getImage(name).remove({ force: true });
    await run('docker', [...cli, 'tag', engine?.image ?? '', name]);
    const { digest: wanted } = await readImageLayout(file);
    expect((await build('named', { from: { tarball: file } })).digest).toBe(wanted);
    expect((await docker.getImage(name).inspect()).Id).not.toBe(Id);
    await docker.getImage(name).remove();
  });

  /** Makes the file of this name, and answers its path. */
  const file = async (name: string, make: (file: string) => unknown) => {
    await make(path(name));
    return path(name);
  };
  const cut = (name: string, source: string) =>
    file(name, async (target) => {
      await run('cp', [source, target]);
      truncateSync(target, 500_000);
    });
  const text = () => file('text', (target) => writeFileSync(target, 'x'.repeat(2000)));
  const empty = () => file('empty', (target) => writeFileSync(target, ''));
  const two = () =>
    file('two', async (target) => {
      const images = [engine?.image ?? '', image];
      await run('docker', ['-H', `unix://${socketPath}`, 'save', '-o', target, ...images]);
    });
  const packed = () =>
    file('packed.gz', (target) => run('sh', ['-c', 'gzip -c "$1" > "$2"', 'sh', saved, target]));
  const missing = async () => path('missing');

  const noTarball = 'is no tarball of an image: ';
  const noRootfs = 'as a root file system: ';
  test.each([
    ['tarball', 'is none', text, `${noTarball}there is no header at byte 0`],
    ['tarball', 'is empty', empty, 'is empty'],
    ['tarball', 'is cut', () => cut('cut', saved), `${noTarball}it ends at byte 500000, within an entry`],
    ['tarball', 'has two images', two, 'must name exactly one image'],
    ['tarball', 'is a file system', async () => rootfs, `${noTarball}it has no manifest.json`],
    ['tarball', 'is packed', packed, `${noTarball}it is compressed; unpack it first`],
    ['tarball', 'is not there', missing, 'missing cannot be read on the host: ENOENT'],
    ['tarball', 'is a folder', async () => folder.path, 'is no file on the host'],
    ['rootfs', 'is none', text, noRootfs],
    ['rootfs', 'is empty', empty, 'is empty'],
    ['rootfs', 'is cut', () => cut('cut-root', rootfs), noRootfs],
    ['rootfs', 'is not there', missing, 'missing cannot be read on the host: ENOENT'],
  ])('a %s that %s is refused, and the output says why', async (kind, _what, make, message) => {
    const result = build('bad', { from: { [kind]: await make() } });
    await expect(result).rejects.toMatchObject({ message: expect.stringContaining(message) });
    await expect(result).rejects.toMatchObject({ transient: false });
    expect(said('bad')).toContain(message);
  });

  test('a step has the limits of its environment', async () => {
    const run = `echo ${salt}; sleep 600`;
    const limits = { cores: 0.5, memory: '64Mi' };
    const stop = new AbortController();
    const ended = build('limited', { from: { rootfs }, steps: [{ run }], limits }, stop.signal);
    const [id] = await eventually('the container of the step', async () => {
      const all = await docker.listContainers();
      const found = all.filter(({ Command }) => Command.includes(salt)).map(({ Id }) => Id);
      return found.length > 0 && found;
    });
    const { HostConfig } = await docker.getContainer(id ?? '').inspect();
    expect(HostConfig).toMatchObject({ CpuPeriod: 100_000, CpuQuota: 50_000 });
    expect(HostConfig).toMatchObject({ Memory: 64 * 2 ** 20, MemorySwap: 64 * 2 ** 20 });
    stop.abort();
    await expect(ended).rejects.toThrow();
    await untilNoStep();
  });

  test('a step that takes too long is ended, and it says which and what it said last', async () => {
    const steps = [{ run: 'echo one' }, { run: `echo ${salt}; sleep 600` }];
    const ended = build('slow', { from: { rootfs }, steps, limits: { timeout: '5m' } });
    ended.catch(() => {});
    await eventually('its output', async () => said('slow').includes(`\n${salt}\n`));
    clock.advance(300_000);
    const message = `step 2/2 (run echo ${salt}; sleep 600) was ended: the build took 5m, its limits.timeout; its last lines:\n${salt}`;
    await expect(ended).rejects.toMatchObject({ code: 'Invalid', message: expect.stringContaining(message) });
    expect(said('slow')).toContain(message);
    await untilNoStep();
  });

  test('what was brought to build on goes when nothing stands on it any more', async () => {
    const brought = async () =>
      (await docker.listImages()).filter(({ RepoTags }) => RepoTags?.some((tag) => /^river-base:/.test(tag)));
    expect(await brought()).not.toEqual([]);
    clock.advance(realClock.now() - clock.now() + 60_000);
    await eventually('it to go', async () => {
      await builder.collect({ states: [], isBusy: () => false, uploads: new Set() });
      return (await brought()).length === 0;
    });
  });

  const untilNoStep = () =>
    eventually('no container of a step', async () => {
      const all = await docker.listContainers({ all: true });
      return all.every(({ Command }) => !Command.includes(salt));
    });
});

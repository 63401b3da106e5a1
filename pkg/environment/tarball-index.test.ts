import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { chainIds, indexTarball } from './tarball-index.ts';
import { parseTarballIndex, readTarballIndex, writeTarballIndex } from './tarball-index-file.ts';

const sha = (data: string | Buffer) => `sha256:${createHash('sha256').update(data).digest('hex')}`;
const provenance = { name: 'py', builtAt: '2026-01-01T00:00:00.000Z', spec: { from: { image: 'busybox' } } };
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'river-tarball-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** A docker-archive as an engine writes it; the third layer is a link to the first, which is equal. */
function makeTarball(format: string, change: (manifest: Record<string, unknown>) => void = () => {}) {
  const content = mkdtempSync(join(folder, 'content-'));
  const layers = ['one', 'two'];
  const long = 'l'.repeat(120);
  for (const layer of layers) {
    mkdirSync(join(content, long, layer), { recursive: true });
    writeFileSync(join(content, long, layer, 'layer.tar'), layer.repeat(1000));
  }
  mkdirSync(join(content, long, 'three'));
  symlinkSync('../one/layer.tar', join(content, long, 'three', 'layer.tar'));
  const diffIds = ['one', 'two', 'one'].map((layer) => sha(layer.repeat(1000)));
  const config = JSON.stringify({ rootfs: { type: 'layers', diff_ids: diffIds } });
  const configPath = `${sha(config).slice(7)}.json`;
  writeFileSync(join(content, configPath), config);
  const manifest = {
    Config: configPath,
    Layers: ['one', 'two', 'three'].map((layer) => `${long}/${layer}/layer.tar`),
  };
  change(manifest);
  writeFileSync(join(content, 'manifest.json'), JSON.stringify([manifest]));
  const file = join(folder, `image-${format}.tar`);
  execFileSync('tar', ['-C', content, `--format=${format}`, '-cf', file, '.']);
  return { file, config, diffIds };
}

it.each(['gnu', 'posix'])('finds configuration and layers by their bytes (%s)', async (format) => {
  const { file, config, diffIds } = makeTarball(format);
  const index = await indexTarball(file, provenance);
  const bytes = readFileSync(file);
  const read = ({ offset, size }: { offset: number; size: number }) => bytes.subarray(offset, offset + size);
  expect(index).toMatchObject({ ...provenance, digest: sha(config), size: bytes.length });
  expect(index.layers.map((layer) => sha(read(layer)))).toEqual(diffIds);
  expect(index.layers.map(({ chainId }) => chainId)).toEqual(chainIds(diffIds));
  expect(index.entries.map(({ path }) => path)).toEqual(['manifest.json', index.configPath]);
  expect(read(index.entries[1] as never).toString()).toBe(config);
});

it('makes chains as the image specification has them', () => {
  const [a = '', b = ''] = [sha('a'), sha('b')];
  expect(chainIds([a, b])).toEqual([a, sha(`${a} ${b}`)]);
});

it('refuses what is no tarball, or not all of one', async () => {
  const { file } = makeTarball('gnu');
  const refused = (path: string) => expect(indexTarball(path, provenance)).rejects;
  await refused('/bin/sh').toThrow('/bin/sh is no tarball of an image: there is no header at byte 0');
  truncateSync(file, 2048);
  await refused(file).toThrow('is no tarball of an image: it ends at byte 2048');
  truncateSync(file, 0);
  await refused(file).toThrow('it is empty');
  await refused(
    makeTarball('gnu', (manifest) => Object.assign(manifest, { Layers: ['gone', 'a', 'b'] })).file,
  ).toThrow('it has no gone');
  await refused(makeTarball('gnu', (manifest) => delete manifest.Config).file).toThrow('names no Config');
});

it('keeps the index in a file, and refuses one that is damaged', async () => {
  const index = await indexTarball(makeTarball('gnu').file, { ...provenance, parentDigest: sha('parent') });
  const file = join(folder, 'py.json');
  expect(await readTarballIndex(file)).toBeUndefined();
  await writeTarballIndex(file, index);
  expect(await readTarballIndex(file)).toEqual(index);
  appendFileSync(file, 'x');
  await expect(readTarballIndex(file)).rejects.toThrow(`${file} is no index of a tarball`);
});

it.each([
  ['name', undefined],
  ['digest', 'sha256:short'],
  ['parentDigest', 7],
  ['size', 10],
  ['layers', [{ path: 'a', offset: 0, size: 1 }]],
  ['entries', []],
])('refuses an index with another %s', async (field, value) => {
  const index = await indexTarball(makeTarball('gnu').file, provenance);
  expect(() => parseTarballIndex(JSON.stringify({ ...index, [field]: value }), 'x')).toThrow(
    'x is no index of a tarball',
  );
});

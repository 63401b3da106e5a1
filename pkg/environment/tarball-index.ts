import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { posix } from 'node:path';
import type { EnvironmentSpec } from '../api/index.ts';
import { notATarball, readExactly, readTarEntries, type TarEntry } from './tar-headers.ts';

/** A small file that every load needs: manifest.json, and the configuration of the image. */
export interface IndexedFile {
  path: string;
  /** Of its bytes in the tarball. */
  offset: number;
  size: number;
}

export interface IndexedLayer extends IndexedFile {
  /** sha256:… of the uncompressed layer. */
  diffId: string;
  /** sha256:… of the layer and all beneath it: what engines share layers by. */
  chainId: string;
}

/** What stands beside a tarball: where it came from, and where in it each layer is. */
export interface TarballIndex {
  name: string;
  /** sha256:… of the configuration of the image; the ID of the image. */
  digest: string;
  /** Of the tarball, bytes. */
  size: number;
  /** RFC 3339. */
  builtAt: string;
  /** Digest of the Environment that it was built from; of a commit, that which the working container was made from. */
  parentDigest?: string;
  /** It was made by `river commit`. */
  commit?: { by: string; message?: string };
  spec: EnvironmentSpec;
  /** Path of the configuration in the tarball. */
  configPath: string;
  entries: IndexedFile[];
  /** The lowest first. */
  layers: IndexedLayer[];
}

export type Provenance = Pick<TarballIndex, 'name' | 'builtAt' | 'parentDigest' | 'commit' | 'spec'>;

/** What an engine's tarball says of its image, and where. */
export type ImageLayout = Pick<TarballIndex, 'digest' | 'size' | 'configPath' | 'entries' | 'layers'>;

/** Larger is no configuration or manifest of one image. */
const smallLimit = 16 << 20;

/** Of a tarball with one image. Raises `Invalid` with what it lacks. */
export async function readImageLayout(file: string): Promise<ImageLayout> {
  const handle = await open(file, 'r');
  try {
    const entries = new Map((await readTarEntries(handle, file)).map((entry) => [clean(entry.path), entry]));
    const find = (path: string): IndexedFile => located(entries, path, file);
    const manifest = find('manifest.json');
    const images = await readJson(handle, manifest, file);
    if (!Array.isArray(images) || images.length !== 1)
      throw notATarball(file, 'its manifest.json must name exactly one image');
    const { Config: configPath, Layers: layerPaths } = images[0] as { Config?: unknown; Layers?: unknown };
    if (typeof configPath !== 'string' || !isTextList(layerPaths))
      throw notATarball(file, 'its manifest.json names no Config and Layers');
    const config = find(configPath);
    const bytes = await readSmall(handle, config, file);
    const diffIds = (parse(bytes, file, configPath) as { rootfs?: { diff_ids?: unknown } }).rootfs?.diff_ids;
    if (!isTextList(diffIds) || diffIds.length !== layerPaths.length)
      throw notATarball(file, 'its configuration has not as many layers as its manifest.json');
    const chain = chainIds(diffIds);
    return {
      digest: `sha256:${sha256(bytes)}`,
      size: (await handle.stat()).size,
      configPath,
      entries: [manifest, config],
      layers: layerPaths.map((path, index) => ({
        diffId: diffIds[index] ?? '',
        chainId: chain[index] ?? '',
        ...find(path),
      })),
    };
  } finally {
    await handle.close();
  }
}

/** The index of a tarball that an engine has written. */
export async function indexTarball(file: string, provenance: Provenance): Promise<TarballIndex> {
  return { ...provenance, ...(await readImageLayout(file)) };
}

/** As the OCI image specification has it: a layer's chain is the hash of the chain beneath and its own diff. */
export function chainIds(diffIds: readonly string[]): string[] {
  const chain: string[] = [];
  for (const diffId of diffIds) {
    const below = chain.at(-1);
    chain.push(below === undefined ? diffId : `sha256:${sha256(`${below} ${diffId}`)}`);
  }
  return chain;
}

const sha256 = (data: string | Buffer) => createHash('sha256').update(data).digest('hex');
const clean = (path: string) => posix.normalize(path).replace(/^\.?\//, '');

function isTextList(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}

/** Its bytes, also of a layer that an engine has written as a link to an equal one. Keeps the path under which it is asked for. */
function located(entries: ReadonlyMap<string, TarEntry>, path: string, file: string): IndexedFile {
  const seen = new Set<string>();
  let at = clean(path);
  for (;;) {
    const entry = entries.get(at);
    if (!entry || seen.has(at)) throw notATarball(file, `it has no ${path}`);
    if (entry.link === undefined) return { path, offset: entry.offset, size: entry.size };
    seen.add(at);
    const beside = clean(posix.join(posix.dirname(at), entry.link));
    at = entries.has(beside) ? beside : clean(entry.link);
  }
}

function readSmall(handle: FileHandle, entry: IndexedFile, file: string): Promise<Buffer> {
  if (entry.size > smallLimit) throw notATarball(file, `its ${entry.path} has ${entry.size} bytes`);
  return readExactly(handle, entry.offset, entry.size, file);
}

async function readJson(handle: FileHandle, entry: IndexedFile, file: string): Promise<unknown> {
  return parse(await readSmall(handle, entry, file), file, entry.path);
}

function parse(bytes: Buffer, file: string, path: string): unknown {
  try {
    const value: unknown = JSON.parse(bytes.toString());
    if (typeof value === 'object' && value !== null) return value;
  } catch {
    // Said below, for all that is no object.
  }
  throw notATarball(file, `its ${path} is no JSON object`);
}

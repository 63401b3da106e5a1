import { open, readFile, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { errorMessage, RiverError } from '../base/index.ts';
import type { IndexedFile, IndexedLayer, TarballIndex } from './tarball-index.ts';

/** Appears whole or not at all, and stays when the machine loses power. */
export async function writeTarballIndex(file: string, index: TarballIndex): Promise<void> {
  const partial = `${file}.partial`;
  try {
    const handle = await open(partial, 'w', 0o644);
    try {
      await handle.writeFile(`${JSON.stringify(index)}\n`);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(partial, file);
    await syncDirectory(dirname(file));
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
}

/** What a rename has done is durable only when its directory is. */
export async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Undefined when there is none. Raises `Invalid` for one that is not good. */
export async function readTarballIndex(file: string): Promise<TarballIndex | undefined> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  return parseTarballIndex(text, file);
}

/** `source`: where the text is from, for the message. Raises `Invalid`. */
export function parseTarballIndex(text: string, source: string): TarballIndex {
  const refuse = (why: string) => new RiverError('Invalid', `${source} is no index of a tarball: ${why}`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw refuse(errorMessage(error));
  }
  const problem = indexProblem(value);
  if (problem !== undefined) throw refuse(problem);
  return value as TarballIndex;
}

const digestPattern = /^sha256:[0-9a-f]{64}$/;
const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
const isDigest = (value: unknown) => typeof value === 'string' && digestPattern.test(value);

function indexProblem(value: unknown): string | undefined {
  if (!isRecord(value)) return 'it is no object';
  const { name, digest, size, builtAt, parentDigest, spec, configPath, entries, layers } = value;
  if (
    typeof name !== 'string' ||
    typeof builtAt !== 'string' ||
    typeof configPath !== 'string' ||
    !isRecord(spec)
  )
    return 'name, builtAt, configPath or spec is missing';
  if (!isDigest(digest) || !(parentDigest === undefined || isDigest(parentDigest)))
    return 'a digest is not sha256: and 64 digits';
  if (!isCount(size)) return 'size is no number of bytes';
  if (!Array.isArray(entries) || !Array.isArray(layers)) return 'entries or layers is no list';
  const isGood = (file: unknown): file is IndexedFile =>
    isRecord(file) &&
    typeof file.path === 'string' &&
    isCount(file.offset) &&
    isCount(file.size) &&
    file.offset + file.size <= size;
  const isLayer = (layer: unknown): layer is IndexedLayer =>
    isGood(layer) && isDigest((layer as IndexedLayer).diffId) && isDigest((layer as IndexedLayer).chainId);
  if (!entries.every(isGood) || !layers.every(isLayer)) return 'an entry is not within the tarball';
  const paths = entries.map(({ path }) => path);
  if (!paths.includes('manifest.json') || !paths.includes(configPath))
    return 'manifest.json or the configuration is not among the entries';
  return undefined;
}

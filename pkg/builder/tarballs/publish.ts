import { createWriteStream } from 'node:fs';
import { open, rename, rm, stat, statfs } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import type Docker from 'dockerode';
import type { EnvironmentTarball } from '../../api/index.ts';
import { RiverError } from '../../base/index.ts';
import {
  imageTag,
  indexFile,
  indexTarball,
  type Provenance,
  readTarballIndex,
  syncDirectory,
  tarballFile,
  writeTarballIndex,
} from '../../environment/index.ts';
import { nameState, unnameState } from '../images/image-names.ts';
import type { KeptState } from '../types.ts';
import { explaining, markTarball, partialFile, type TarballPlace } from './tarballs.ts';

/** So much stays free in the directory of tarballs. */
const floorBytes = 64 * 2 ** 20;

export interface PublishRequest extends Provenance {
  /** What the engine calls it, which has the name `imageTag(name, imageId)` for it. */
  imageId: string;
  /** Bytes of the image, for the question whether it fits. */
  imageSize: number;
  signal: AbortSignal;
  onBytes(bytes: number): void;
}

export interface Published {
  digest: string;
  tarball: EnvironmentTarball;
}

/**
 * The tarball under its name, whole, with its index beside it; as it is when it is there already. The digest is the one of
 * the configuration in it: an engine with the containerd image store has IDs of its own, and gets the name once that is known.
 */
export async function publish(
  engine: Docker,
  place: TarballPlace,
  request: PublishRequest,
): Promise<Published> {
  const { name, imageId } = request;
  const { directory, cluster } = place;
  await explaining(directory, () => markTarball(place, { name, digest: imageId }));
  const present = await published(directory, { name, digest: imageId });
  if (present) return { digest: imageId, tarball: present };
  const partial = partialFile(place, { name, digest: imageId });
  await explaining(directory, async () => {
    await refuseFull(directory, request.imageSize);
    await save(engine, partial, request);
  });
  const index = await indexTarball(partial, provenanceOf(request));
  const { digest, size, builtAt } = index;
  if (digest !== imageId) {
    await nameState(engine, cluster, imageId, { name, digest });
    await unnameState(engine, cluster, { name, digest: imageId });
    await markTarball(place, { name, digest });
  }
  const before = digest === imageId ? undefined : await published(directory, { name, digest });
  if (before) {
    await rm(partial, { force: true });
    return { digest, tarball: before };
  }
  const path = tarballFile(directory, name, digest);
  await rename(partial, path);
  await syncDirectory(directory);
  await writeTarballIndex(indexFile(directory, name, digest), index);
  return { digest, tarball: { path, size, builtAt } };
}

function provenanceOf({ name, builtAt, parentDigest, spec, commit }: PublishRequest): Provenance {
  return { name, builtAt, parentDigest, spec, ...(commit ? { commit } : {}) };
}

/** Undefined when there is no index, or the tarball is not the one that it speaks of. */
export async function published(
  directory: string,
  { name, digest }: KeptState,
): Promise<EnvironmentTarball | undefined> {
  const path = tarballFile(directory, name, digest);
  const index = await readTarballIndex(indexFile(directory, name, digest)).catch(() => undefined);
  const size = await stat(path).then(
    (found) => found.size,
    () => undefined,
  );
  if (index?.digest !== digest || size !== index.size) return undefined;
  return { path, size, builtAt: index.builtAt };
}

async function save(engine: Docker, partial: string, request: PublishRequest): Promise<void> {
  const tag = imageTag(request.name, request.imageId);
  try {
    const stream = await engine.getImage(tag).get();
    let bytes = 0;
    stream.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      request.onBytes(bytes);
    });
    await pipeline(stream, createWriteStream(partial, { mode: 0o644 }), { signal: request.signal });
    const handle = await open(partial, 'r+');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
}

async function refuseFull(directory: string, imageSize: number): Promise<void> {
  const { bavail, bsize } = await statfs(directory);
  if (bavail * bsize - imageSize >= floorBytes) return;
  throw new RiverError(
    'ServiceUnavailable',
    `${directory} has ${Math.floor((bavail * bsize) / 2 ** 20)} MiB free and the tarball needs ${Math.ceil(imageSize / 2 ** 20)} MiB: free some, or lower keep of environments`,
  );
}

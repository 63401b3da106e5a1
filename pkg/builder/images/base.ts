import { stat } from 'node:fs/promises';
import type { EnvironmentSpec } from '../../api/index.ts';
import { RiverError } from '../../base/index.ts';
import { engineMessage, isRefusal } from '../../engine/index.ts';
import { imageTag, tarballFile, type Uploads } from '../../environment/index.ts';
import type { ParentEnvironment } from '../types.ts';
import { findImage, finished } from './engine.ts';
import { nameBase, nameState } from './image-names.ts';
import { type LoadParts, loaded } from './load.ts';
import { imported } from './rootfs.ts';

export interface TarballParts extends LoadParts {
  /** Where tarballs of Environments are. */
  directory: string;
}

export interface BaseParts extends TarballParts {
  uploads: Pick<Uploads, 'file'>;
}

/** ID of the image to build on. Raises `Invalid` or `NotFound` with where it was looked for. */
export function resolveBase(
  parts: BaseParts,
  { from }: EnvironmentSpec,
  parent: ParentEnvironment | undefined,
): Promise<string> {
  if (from.image !== undefined) return pulled(parts, from.image);
  if (from.tarball !== undefined)
    return loaded(parts, from.tarball, { what: from.tarball, named: baseNamed(parts) });
  if (from.upload !== undefined) return sent(parts, from.upload);
  if (from.rootfs !== undefined) return imported(parts, from.rootfs);
  if (parent) return imageOfDigest(parts, parent);
  throw new RiverError('Invalid', 'from names nothing to begin with');
}

const baseNamed =
  ({ engine, cluster }: BaseParts) =>
  (id: string) =>
    nameBase(engine, cluster, id);

async function sent(parts: BaseParts, sha256: string): Promise<string> {
  const file = parts.uploads.file(sha256);
  await stat(file).catch(() => {
    throw new RiverError(
      'NotFound',
      `the host has no tarball with sha256 ${sha256}: send it with river env import`,
    );
  });
  return loaded(parts, file, {
    what: `what was sent, sha256 ${sha256.slice(0, 12)}`,
    named: baseNamed(parts),
  });
}

async function pulled({ engine, signal, output }: BaseParts, image: string): Promise<string> {
  const found = await findImage(engine, image);
  if (found) return found.Id;
  output(`pulling ${image}\n`);
  const reference = /[:@][^/]*$/.test(image) ? image : `${image}:latest`;
  try {
    await finished(engine, await engine.pull(reference, { abortSignal: signal }));
  } catch (error) {
    signal?.throwIfAborted();
    if (!isRefusal(error)) throw error;
    throw new RiverError(
      'NotFound',
      `the image ${image} was looked for in the Docker Engine of the host, which has it not, and in its registry, which failed: ${engineMessage(error)}. Load or tag it there, or correct spec.from.image.`,
    );
  }
  const image_ = await findImage(engine, image);
  if (!image_) throw new RiverError('NotFound', `the image ${image} was pulled and is gone again`);
  return image_.Id;
}

/** A digest of an Environment: in the engine, or loaded into it from its tarball. */
export async function imageOfDigest(
  parts: TarballParts,
  { name, digest }: ParentEnvironment,
): Promise<string> {
  const tag = imageTag(name, digest);
  const found = await findImage(parts.engine, tag);
  if (found) return found.Id;
  const file = tarballFile(parts.directory, name, digest);
  const { engine, cluster } = parts;
  return loaded(parts, file, {
    what: name,
    named: (id) => nameState(engine, cluster, id, { name, digest }),
  });
}

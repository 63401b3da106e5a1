import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type Docker from 'dockerode';
import type { EnvironmentSpec } from '../api/index.ts';
import { RiverError } from '../base/index.ts';
import { imageTag, readImageLayout, tarballFile, type Uploads } from '../environment/index.ts';
import { engineWords, findImage, finished, statusOf } from './engine.ts';
import { readable } from './host-file.ts';
import { imported } from './rootfs.ts';
import type { ParentEnvironment } from './types.ts';

export interface LoadParts {
  engine: Docker;
  /** Where tarballs of Environments are. */
  directory: string;
  signal?: AbortSignal;
  output(text: string): void;
}

export interface BaseParts extends LoadParts {
  uploads: Pick<Uploads, 'file'>;
}

/** ID of the image to build on. Raises `Invalid` or `NotFound` with where it was looked for. */
export function resolveBase(
  parts: BaseParts,
  { from }: EnvironmentSpec,
  parent: ParentEnvironment | undefined,
): Promise<string> {
  if (from.image !== undefined) return pulled(parts, from.image);
  if (from.tarball !== undefined) return loaded(parts, from.tarball, from.tarball);
  if (from.upload !== undefined) return sent(parts, from.upload);
  if (from.rootfs !== undefined) return imported(parts, from.rootfs);
  if (parent) return imageOfDigest(parts, parent);
  throw new RiverError('Invalid', 'from names nothing to begin with');
}

async function sent(parts: BaseParts, sha256: string): Promise<string> {
  const file = parts.uploads.file(sha256);
  await stat(file).catch(() => {
    throw new RiverError(
      'NotFound',
      `the host has no tarball with sha256 ${sha256}: send it with river env import`,
    );
  });
  return loaded(parts, file, `what was sent, sha256 ${sha256.slice(0, 12)}`);
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
    if (statusOf(error) === undefined && isConnectionError(error)) throw error;
    throw new RiverError(
      'NotFound',
      `the image ${image} was looked for in the Docker Engine of the host, which has it not, and in its registry, which failed: ${engineWords(error)}. Load or tag it there, or correct spec.from.image.`,
    );
  }
  const image_ = await findImage(engine, image);
  if (!image_) throw new RiverError('NotFound', `the image ${image} was pulled and is gone again`);
  return image_.Id;
}

function isConnectionError(error: unknown): boolean {
  return ['ECONNREFUSED', 'ENOENT', 'EACCES', 'ECONNRESET'].includes(
    (error as NodeJS.ErrnoException).code ?? '',
  );
}

/** A digest of an Environment: in the engine, or loaded into it from its tarball. */
export async function imageOfDigest(parts: LoadParts, { name, digest }: ParentEnvironment): Promise<string> {
  const file = tarballFile(parts.directory, name, digest);
  return (await findImage(parts.engine, imageTag(name, digest)))?.Id ?? (await loaded(parts, file, name));
}

/** The engine has it, or is given it; that it is one image is seen before the engine reads any of it. */
async function loaded({ engine, signal, output }: LoadParts, file: string, name: string): Promise<string> {
  await readable(file);
  const { digest } = await readImageLayout(file);
  if (await findImage(engine, digest)) return digest;
  output(`loading ${name}\n`);
  await finished(
    engine,
    await engine.loadImage(createReadStream(file), { quiet: true, abortSignal: signal }),
  );
  const image = await findImage(engine, digest);
  if (!image)
    throw new RiverError('Invalid', `the engine has read ${file} and has no image ${digest} afterwards`);
  return image.Id;
}

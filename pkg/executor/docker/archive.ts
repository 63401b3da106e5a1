import { createHash } from 'node:crypto';
import { errorMessage, RiverError } from '../../base/index.ts';
import type { ArchivedImage, ByteRange, ByteSource, LoadOptions, LoadProgress } from '../index.ts';
import { tarEnd, tarHeader, tarPadding } from './tar.ts';

/** No config of an image is larger. */
const configAtMost = 8 * 1024 * 1024;

/** The file of an environment is not what it should be; it may be replaced by a whole one. */
export function damaged(image: Pick<ArchivedImage, 'name'>, why: string, cause?: unknown): RiverError {
  const message = `The tarball of environment ${image.name} is damaged: ${why}. It is tried again; rebuild the environment if this stays.`;
  const causes = [{ field: 'spec.environment', reason: 'EnvironmentDamaged', message: why }];
  return new RiverError('ServiceUnavailable', message, { causes }, { cause });
}

/** What fails in reading the file is the file's fault, unless the source says more about it. */
export function guarded(image: ArchivedImage, source: ByteSource): ByteSource {
  return {
    async *read(range, signal) {
      try {
        yield* source.read(range, signal);
      } catch (error) {
        signal.throwIfAborted();
        throw error instanceof RiverError ? error : damaged(image, errorMessage(error), error);
      }
    },
  };
}

export function sha256(data: Uint8Array | string): string {
  return `sha256:${createHash('sha256').update(data).digest('hex')}`;
}

/** The config, which must be the one that the digest is of, and name the layers of the index. Everything else hangs on it. */
export async function readConfig(
  image: ArchivedImage,
  source: ByteSource,
  signal: AbortSignal,
): Promise<Buffer> {
  if (image.config.size > configAtMost) throw damaged(image, 'its config is larger than 8 MiB');
  const chunks: Uint8Array[] = [];
  for await (const chunk of source.read(image.config, signal)) chunks.push(chunk);
  const config = Buffer.concat(chunks);
  const found = sha256(config);
  if (found !== image.digest)
    throw damaged(image, `its config has the digest ${found} in place of ${image.digest}`);
  const diffIds = diffIdsOf(image, config);
  const isSame =
    diffIds.length === image.layers.length && diffIds.every((id, n) => id === image.layers[n]?.diffId);
  if (!isSame) throw damaged(image, 'its index names other layers than its config');
  return config;
}

function diffIdsOf(image: ArchivedImage, config: Buffer): unknown[] {
  try {
    const { rootfs } = JSON.parse(config.toString('utf8')) as { rootfs?: { diff_ids?: unknown } };
    return Array.isArray(rootfs?.diff_ids) ? rootfs.diff_ids : [];
  } catch (error) {
    throw damaged(image, `its config cannot be read (${errorMessage(error)})`, error);
  }
}

/** What a load is made of. */
export interface Archive {
  image: ArchivedImage;
  config: Buffer;
  /** Each once, though an image may have the same layer twice. */
  layers: readonly (ByteRange & { diffId: string })[];
}

const layerPath = (diffId: string) => `${diffId.replace(/^sha256:/, '')}/layer.tar`;

/**
 * A `docker load` file as it is sent: names all layers and holds those that are given. Without a name for the image:
 * the engine gives it none before it was looked at.
 */
export async function* archiveBytes(
  { image, config, layers }: Archive,
  source: ByteSource,
  { signal, onProgress }: LoadOptions,
): AsyncGenerator<Uint8Array> {
  const configPath = `${image.digest.replace(/^sha256:/, '')}.json`;
  const manifest = [
    { Config: configPath, RepoTags: null, Layers: image.layers.map(({ diffId }) => layerPath(diffId)) },
  ];
  yield* smallFile('manifest.json', Buffer.from(JSON.stringify(manifest)));
  yield* smallFile(configPath, config);
  const progress = startOf(layers);
  onProgress({ ...progress });
  for (const layer of layers) {
    yield tarHeader(layerPath(layer.diffId), layer.size);
    for await (const chunk of source.read(layer, signal)) {
      progress.bytes += chunk.length;
      yield chunk;
      onProgress({ ...progress });
    }
    progress.layers += 1;
    onProgress({ ...progress });
    yield tarPadding(layer.size);
  }
  yield tarEnd;
}

export function startOf(layers: Archive['layers']): LoadProgress {
  const totalBytes = layers.reduce((total, { size }) => total + size, 0);
  return { bytes: 0, totalBytes, layers: 0, totalLayers: layers.length };
}

function* smallFile(path: string, content: Buffer): Generator<Buffer> {
  yield tarHeader(path, content.length);
  yield content;
  yield tarPadding(content.length);
}

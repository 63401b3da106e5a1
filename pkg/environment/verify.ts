import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { errorMessage } from '../base/index.ts';
import { notATarball, readExactly } from './tar-headers.ts';
import { type IndexedLayer, readImageLayout } from './tarball-index.ts';

/**
 * Reads all of a tarball: it has this digest, and every layer is the one that its configuration names. Raises `Invalid`.
 * `onBytes`: how much more was read.
 */
export async function verifyTarball(
  file: string,
  digest: string,
  onBytes: (count: number) => void,
): Promise<void> {
  const layout = await readImageLayout(file);
  if (layout.digest !== digest) throw notATarball(file, `its digest is ${layout.digest}, and not ${digest}`);
  for (const layer of layout.layers) {
    const why = `its layer ${layer.path} is not what the configuration says`;
    const diffId = await diffIdOf(file, layer, onBytes).catch((error: unknown) => {
      throw notATarball(file, `${why} (${errorMessage(error)})`);
    });
    if (diffId !== layer.diffId) throw notATarball(file, why);
  }
}

/** The hash of what is in the layer; newer engines write some of them packed. */
async function diffIdOf(
  file: string,
  { offset, size }: IndexedLayer,
  onBytes: (count: number) => void,
): Promise<string> {
  const hash = createHash('sha256');
  if (size === 0) return `sha256:${hash.digest('hex')}`;
  const counter = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      onBytes(chunk.length);
      done(null, chunk);
    },
  });
  const packed = createReadStream(file, { start: offset, end: offset + size - 1 });
  const unpack = await unpackerOf(file, offset, size);
  if (unpack) await pipeline(packed, counter, unpack, hash);
  else await pipeline(packed, counter, hash);
  return `sha256:${hash.digest('hex')}`;
}

async function unpackerOf(file: string, offset: number, size: number): Promise<Transform | undefined> {
  const handle = await open(file, 'r');
  try {
    const magic = (await readExactly(handle, offset, Math.min(4, size), file)).toString('hex');
    if (magic.startsWith('1f8b')) return createGunzip();
    return magic === '28b52ffd' ? createZstdDecompress() : undefined;
  } finally {
    await handle.close();
  }
}

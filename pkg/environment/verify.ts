import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { notATarball } from './tar-headers.ts';
import { readImageLayout } from './tarball-index.ts';

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
  for (const { path, offset, size, diffId } of layout.layers) {
    const hash = createHash('sha256');
    if (size > 0)
      for await (const chunk of createReadStream(file, { start: offset, end: offset + size - 1 })) {
        hash.update(chunk as Uint8Array);
        onBytes((chunk as Uint8Array).length);
      }
    if (`sha256:${hash.digest('hex')}` !== diffId)
      throw notATarball(file, `its layer ${path} is not what the configuration says`);
  }
}

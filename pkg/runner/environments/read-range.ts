import { open } from 'node:fs/promises';
import type { ByteRange } from '../../executor/index.ts';

/** As fast as larger ones, and two of them are no memory worth speaking of. */
const chunkBytes = 1024 * 1024;

/** A file ended before its range did. */
export class ShortFile extends Error {}

/** A stretch of a file, exactly: raises `ShortFile` where the file ends too early. */
export async function* readRange(
  file: string,
  { offset, size }: ByteRange,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const handle = await open(file);
  try {
    let done = 0;
    while (done < size) {
      signal.throwIfAborted();
      // A fresh one each time: what was given out may not have been sent yet.
      const buffer = Buffer.allocUnsafe(Math.min(chunkBytes, size - done));
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, offset + done);
      if (bytesRead === 0) throw new ShortFile(`${file} ends at byte ${offset + done}`);
      done += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await handle.close();
  }
}

import type { FileUploads } from '../../client/index.ts';
import { type FollowSeams, overRestart } from '../following/follow.ts';

/** Held in memory; a part that does not arrive is all that is sent twice. */
const partBytes = 4 * 1024 * 1024;

export interface Upload {
  sha256: string;
  /** What is sent, from its first byte on; the same each time. */
  chunks(): AsyncIterable<Uint8Array>;
}

/**
 * Sends what the host has not, from the byte on at which it is; goes on when the host restarts.
 * `onBytes`: how many the host has.
 */
export async function sendUpload(
  client: FileUploads,
  { sha256, chunks }: Upload,
  seams: FollowSeams,
  onBytes: (bytes: number) => void,
): Promise<void> {
  let state = await client.uploadState(sha256);
  if (state.complete) return;
  const start = state.size;
  let offset = 0;
  let waiting: Uint8Array[] = [];
  let size = 0;
  const send = async (last: boolean) => {
    const bytes = Buffer.concat(waiting);
    const known = Math.min(bytes.length, Math.max(0, start - offset));
    if (known < bytes.length || last)
      state = await overRestart(
        () => client.uploadPart(sha256, offset + known, bytes.subarray(known), last),
        seams,
      );
    offset += bytes.length;
    waiting = [];
    size = 0;
    onBytes(offset);
  };
  for await (const chunk of chunks()) {
    waiting.push(chunk);
    size += chunk.length;
    if (size >= partBytes) await send(false);
    if (state.complete) return;
  }
  await send(true);
}

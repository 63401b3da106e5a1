import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, mkdir, open, readdir, rename, rm, stat, statfs, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { type Clock, errorMessage, RiverError } from '../base/index.ts';
import { syncDirectory } from './tarball-index-file.ts';

/** Of what one `copy` step takes, as a tar. */
export const copyLimitBytes = 2 ** 30;

/** What is left free of the disk: the host's own store is on it. */
const floorBytes = 256 * 2 ** 20;

/** What no Environment names stays so long: between an upload and the write of the Environment there is time. */
const unnamedMs = 86_400_000;

const partialEnd = '.partial';
const fullDisk = new Set(['ENOSPC', 'EDQUOT', 'EROFS']);

export interface UploadState {
  /** Bytes that are there. */
  size: number;
  /** All of them, and they have the hash. */
  complete: boolean;
}

export interface UploadPart {
  offset: number;
  bytes: Uint8Array;
  /** Nothing comes after it. */
  last: boolean;
}

/** What `copy` steps take, and tarballs, each under the hash of its bytes; sent in parts, so that what broke off goes on. */
export class Uploads {
  readonly #directory: string;
  readonly #clock: Clock;
  /** One part of a hash at a time. */
  readonly #work = new Map<string, Promise<unknown>>();

  constructor(directory: string, clock: Clock) {
    this.#directory = directory;
    this.#clock = clock;
  }

  file(sha256: string): string {
    return join(this.#directory, sha256);
  }

  /** Whoever asks is about to name it: its time without a name begins anew. */
  async state(sha256: string): Promise<UploadState> {
    const size = await sizeOf(this.file(sha256));
    if (size === undefined)
      return { size: (await sizeOf(this.file(sha256) + partialEnd)) ?? 0, complete: false };
    const now = this.#clock.now() / 1000;
    await utimes(this.file(sha256), now, now);
    return { size, complete: true };
  }

  /** Two may send the same at once. Raises `Conflict` for a gap, `Invalid` for another hash, `RequestEntityTooLarge`. */
  async append(sha256: string, part: UploadPart): Promise<UploadState> {
    const before = this.#work.get(sha256) ?? Promise.resolve();
    const work = before.then(
      () => this.#append(sha256, part),
      () => this.#append(sha256, part),
    );
    this.#work.set(sha256, work);
    try {
      return await work;
    } catch (error) {
      if (!fullDisk.has((error as NodeJS.ErrnoException).code ?? '')) throw error;
      throw new RiverError(
        'ServiceUnavailable',
        `the host cannot keep what is sent: ${errorMessage(error)}; free some of ${this.#directory}`,
        {},
        { cause: error },
      );
    } finally {
      if (this.#work.get(sha256) === work) this.#work.delete(sha256);
    }
  }

  async #append(sha256: string, { offset, bytes, last }: UploadPart): Promise<UploadState> {
    const state = await this.state(sha256);
    if (state.complete) return state;
    if (offset > state.size)
      throw new RiverError('Conflict', `the host has ${state.size} bytes of it: go on there`);
    const size = offset + bytes.length;
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    await this.#refuseFull(bytes.length);
    const partial = this.file(sha256) + partialEnd;
    const handle = await open(partial, state.size === 0 ? 'w' : 'r+', 0o600);
    try {
      await writeAt(handle, bytes, offset);
      if (last) await handle.sync();
    } finally {
      await handle.close();
    }
    if (!last) return { size: Math.max(size, state.size), complete: false };
    return this.#finish(sha256, partial);
  }

  async #refuseFull(more: number): Promise<void> {
    const { bavail, bsize } = await statfs(this.#directory);
    if (bavail * bsize - more >= floorBytes) return;
    throw new RiverError(
      'ServiceUnavailable',
      `the host has no room for what is sent: ${Math.floor((bavail * bsize) / 2 ** 20)} MiB are free in ${this.#directory}, and ${floorBytes / 2 ** 20} MiB stay so`,
    );
  }

  async #finish(sha256: string, partial: string): Promise<UploadState> {
    const found = await hashOf(createReadStream(partial));
    if (found !== sha256) {
      await rm(partial, { force: true });
      throw new RiverError('Invalid', 'what was sent has another hash: it changed meanwhile; apply again');
    }
    await rename(partial, this.file(sha256));
    await syncDirectory(this.#directory);
    return this.state(sha256);
  }

  /** Takes away what is not named, and parts that nobody goes on with, a day after they were sent. */
  async collect(named: ReadonlySet<string>): Promise<void> {
    const before = this.#clock.now() - unnamedMs;
    for (const name of await namesIn(this.#directory)) {
      const file = join(this.#directory, name);
      if (named.has(name) || this.#work.has(name.replace(partialEnd, ''))) continue;
      const { mtimeMs } = await stat(file);
      if (mtimeMs < before) await rm(file, { force: true });
    }
  }
}

/** sha256 of all that comes, in hexadecimal. */
export async function hashOf(chunks: AsyncIterable<unknown>): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of chunks) hash.update(chunk as Uint8Array);
  return hash.digest('hex');
}

async function writeAt(handle: FileHandle, bytes: Uint8Array, offset: number): Promise<void> {
  let done = 0;
  while (done < bytes.length)
    done += (await handle.write(bytes, done, bytes.length - done, offset + done)).bytesWritten;
}

async function sizeOf(file: string): Promise<number | undefined> {
  try {
    return (await stat(file)).size;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

async function namesIn(directory: string): Promise<string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

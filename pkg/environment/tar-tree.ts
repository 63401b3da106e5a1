import { createReadStream } from 'node:fs';
import { lstat, readdir, readlink } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { RiverError } from '../base/index.ts';
import { tarEnd, tarHeader, tarPadding } from './tar-writer.ts';

interface TreeEntry {
  /** In the tar. */
  path: string;
  /** On the disk. */
  file: string;
  type: 'file' | 'directory' | 'link';
  size: number;
  mode: number;
  link?: string;
}

/** A file, or a folder with all that is in it, as it is on the disk at this moment. */
export class TarTree {
  readonly #entries: readonly TreeEntry[];

  private constructor(entries: readonly TreeEntry[]) {
    this.#entries = entries;
  }

  /**
   * A file is `file/NAME` in the tar, a folder `directory/`; that is how who reads it tells them apart. Links in a
   * folder stay links. Raises `Invalid` for what can be in no tar.
   */
  static async read(source: string): Promise<TarTree> {
    const entries: TreeEntry[] = [];
    const isFolder = (await lstat(source)).isDirectory();
    await collect(source, isFolder ? 'directory/' : `file/${basename(source)}`, entries);
    return new TarTree(entries);
  }

  /** Bytes of the tar, without the names that need headers of their own. */
  get size(): number {
    return this.#entries.reduce((sum, { size }) => sum + 512 + Math.ceil(size / 512) * 512, tarEnd.length);
  }

  /** The same bytes each time. Raises `Conflict` when a file is no more as it was. */
  async *chunks(): AsyncGenerator<Uint8Array> {
    for (const entry of this.#entries) {
      yield tarHeader(entry);
      if (entry.type !== 'file') continue;
      yield* content(entry);
      yield tarPadding(entry.size);
    }
    yield tarEnd;
  }
}

async function collect(file: string, path: string, into: TreeEntry[]): Promise<void> {
  const found = await lstat(file);
  const common = { path, file, mode: found.mode, size: 0 };
  if (found.isFile()) into.push({ ...common, type: 'file', size: found.size });
  else if (found.isSymbolicLink()) into.push({ ...common, type: 'link', link: await readlink(file) });
  else if (found.isDirectory()) {
    into.push({ ...common, type: 'directory' });
    // By their bytes, and not by the language of the machine.
    for (const name of (await readdir(file, 'buffer')).sort(Buffer.compare).map(String)) {
      const child = join(file, name);
      const end = (await lstat(child)).isDirectory() ? '/' : '';
      await collect(child, `${path}${name}${end}`, into);
    }
  } else throw new RiverError('Invalid', `${file} is neither file, folder nor link`);
}

async function* content({ file, size }: TreeEntry): AsyncGenerator<Uint8Array> {
  let read = 0;
  if (size > 0)
    for await (const chunk of createReadStream(file, { end: size - 1 })) {
      read += (chunk as Uint8Array).length;
      yield chunk as Uint8Array;
    }
  if (read !== size || (await lstat(file)).size !== size)
    throw new RiverError('Conflict', `${file} changed while it was read: apply again`);
}

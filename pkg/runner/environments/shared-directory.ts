import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errorMessage } from '../../base/index.ts';
import {
  environmentDirectory,
  indexFile,
  readTarballIndex,
  sharedMarkerFile,
  type TarballIndex,
  tarballFile,
} from '../../environment/index.ts';
import type { ByteSource } from '../../executor/index.ts';
import { readRange } from './read-range.ts';
import type { EnvironmentReference, EnvironmentSource } from './source.ts';

export interface SharedState {
  ready: boolean;
  /** For the Node's condition. */
  reason: string;
  message: string;
}

/** Tarballs and their indexes as a host writes them. */
export class EnvironmentDirectory implements EnvironmentSource {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  index({ name, digest }: EnvironmentReference): Promise<TarballIndex | undefined> {
    return readTarballIndex(indexFile(this.#directory, name, digest));
  }

  bytes({ name, digest }: EnvironmentReference): ByteSource {
    const file = tarballFile(this.#directory, name, digest);
    return { read: (range, signal) => readRange(file, range, signal) };
  }
}

/** The directory that host and node share, as far as it is really the same one. */
export class SharedDirectory extends EnvironmentDirectory {
  readonly #path: string;
  readonly #node: string;

  constructor(path: string, node: string) {
    super(environmentDirectory({ sharedDir: path, stateDir: path }));
    this.#path = path;
    this.#node = node;
  }

  /** Whether the host of this cluster has left its mark here, and this node may write. Never throws. */
  async check(clusterUid: string): Promise<SharedState> {
    const marker = sharedMarkerFile(this.#path);
    const found = await readFile(marker, 'utf8').then(
      (text) => text.trim(),
      (error: unknown) => error,
    );
    if (typeof found !== 'string') {
      const why = `${marker}, which the host writes at its start, cannot be read (${errorMessage(found)})`;
      return notTheSame(`${why}: mount the directory that the host has as sharedDir at ${this.#path}.`);
    }
    if (found !== clusterUid)
      return notTheSame(
        `${marker} is of the cluster ${found.slice(0, 40)}, the host of ${clusterUid}: it is another directory than the host's.`,
      );
    return this.#checkWritable();
  }

  async #checkWritable(): Promise<SharedState> {
    const folder = join(this.#path, 'logs');
    const file = join(folder, `.river-write-${this.#node}`);
    try {
      await mkdir(folder, { recursive: true });
      await writeFile(file, '');
      await rm(file, { force: true });
    } catch (error) {
      const message = `This node cannot write in ${folder} (${errorMessage(error)}): output of runs has no place there.`;
      return { ready: false, reason: 'NotWritable', message };
    }
    return { ready: true, reason: 'SameDirectory', message: `${this.#path} is the host's, and writable.` };
  }
}

function notTheSame(message: string): SharedState {
  return { ready: false, reason: 'NotTheSame', message };
}

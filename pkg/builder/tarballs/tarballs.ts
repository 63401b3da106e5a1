import { mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errorMessage, RiverError } from '../../base/index.ts';
import { indexFile, shortDigest, syncDirectory, tarballFile } from '../../environment/index.ts';
import type { KeptState } from '../types.ts';

/** Where tarballs are, and whose: hosts of several clusters may share a directory. */
export interface TarballPlace {
  directory: string;
  /** As `shortCluster` has it. */
  cluster: string;
}

/** In the directory of tarballs: a folder a cluster, with an empty file for each tarball that it needs. */
const marksFolder = '.clusters';

const marksOf = ({ directory, cluster }: TarballPlace) => join(directory, marksFolder, cluster);

/** Before anything of it is written: a tarball without a mark would be nobody's. */
export async function markTarball(place: TarballPlace, { name, digest }: KeptState): Promise<void> {
  await mkdir(marksOf(place), { recursive: true });
  await writeFile(join(marksOf(place), `${name}-${shortDigest(digest)}`), '');
  await syncDirectory(marksOf(place));
}

export function partialFile({ directory, cluster }: TarballPlace, { name, digest }: KeptState): string {
  return `${tarballFile(directory, name, digest)}.${cluster}.partial`;
}

/** Nobody writes at a tarball for so long. */
const staleMs = 86_400_000;

/** Half-written files of this host, which was killed; and those that a River has left which did not say whose they are. */
export function removePartial({ directory, cluster }: TarballPlace, now: number): Promise<void> {
  return explaining(directory, async () => {
    for (const file of await filesIn(directory)) {
      const path = join(directory, file);
      const isStale = async () => (await stat(path)).mtimeMs < now - staleMs;
      if (file.endsWith(`.${cluster}.partial`) || (file.endsWith('.tar.partial') && (await isStale())))
        await rm(path, { force: true });
    }
  });
}

export interface TarballsToKeep {
  /** What the store of this host knows: it is this host's, also without a mark. */
  states: readonly KeptState[];
  isKept(name: string, short: string): boolean;
}

/** Takes away every tarball of this cluster that is not kept, and that no other needs. */
export function collectTarballs(place: TarballPlace, options: TarballsToKeep): Promise<void> {
  const { directory } = place;
  return explaining(directory, async () => {
    await markKnown(place, options);
    const others = await marksOfOthers(place);
    let removed = 0;
    for (const mark of await filesIn(marksOf(place))) {
      const [, name = '', short = ''] = /^(.+)-([0-9a-f]{12})$/.exec(mark) ?? [];
      // Asked right before: what is being published may have come meanwhile.
      if (name === '' || options.isKept(name, short)) continue;
      if (!others.has(mark)) await removeTarball(directory, name, short);
      await rm(join(marksOf(place), mark), { force: true });
      removed += 1;
    }
    if (removed > 0) await syncDirectory(directory);
  });
}

async function markKnown(place: TarballPlace, { states }: TarballsToKeep): Promise<void> {
  const marks = new Set(await filesIn(marksOf(place)));
  for (const state of states) {
    const isMarked = marks.has(`${state.name}-${shortDigest(state.digest)}`);
    if (!isMarked && (await exists(tarballFile(place.directory, state.name, state.digest))))
      await markTarball(place, state);
  }
}

/** The index first, so that no reader finds it without its tarball. */
async function removeTarball(directory: string, name: string, short: string): Promise<void> {
  await rm(indexFile(directory, name, short), { force: true });
  await rm(tarballFile(directory, name, short), { force: true });
}

async function marksOfOthers({ directory, cluster }: TarballPlace): Promise<Set<string>> {
  const clusters = await filesIn(join(directory, marksFolder));
  const others = clusters.filter((each) => each !== cluster);
  const marks = await Promise.all(others.map((other) => filesIn(marksOf({ directory, cluster: other }))));
  return new Set(marks.flat());
}

function exists(file: string): Promise<boolean> {
  return stat(file).then(
    () => true,
    () => false,
  );
}

async function filesIn(directory: string): Promise<string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

const diskErrors = new Set([
  'EACCES',
  'EROFS',
  'EPERM',
  'ENOSPC',
  'EDQUOT',
  'ENOTDIR',
  'EEXIST',
  'EIO',
  'ESTALE',
]);

function explained(error: unknown, directory: string): unknown {
  const { code = '' } = error as NodeJS.ErrnoException;
  if (!diskErrors.has(code)) return error;
  return new RiverError(
    'ServiceUnavailable',
    `the host cannot write tarballs into ${directory}: ${errorMessage(error)}; make it writable for the host's user, or correct sharedDir`,
    {},
    { cause: error },
  );
}

/** What the disk refuses becomes a sentence of what to do. */
export async function explaining<T>(directory: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw explained(error, directory);
  }
}

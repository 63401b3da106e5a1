import { copyFileSync, existsSync, linkSync, renameSync, rmSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import SqliteDatabase, { type Database } from 'better-sqlite3';
import { errorMessage, RiverError, type Rng, syncPath } from '../base/index.ts';
import { checkIntegrity, databaseFile, diskError } from './database.ts';
import {
  type FilesystemReader,
  kernelFilesystemReader,
  lockDirectory,
  makePrivateFile,
  prepareDirectory,
} from './directory.ts';
import { Queries } from './queries.ts';
import { readMeta, refuseNewerSchema, schemaVersion, writeMeta } from './schema.ts';

/** Pages copied in one event-loop turn. */
const pagesPerTurn = 256;
const allPages = 0x7fff_ffff;

/**
 * After a restore the version goes on this far above the backup's: above all that was written after the
 * backup, so that no client sees an old version number with a new meaning.
 */
const restoreJump = 1_000_000;

/**
 * Copies the store of a state directory, also while a host in another process uses it: in one step, through a
 * connection that only reads, which keeps no writer waiting. Raises `NotFound` where there is no store.
 */
export async function backupDirectory(directory: string, file: string): Promise<void> {
  const source = databaseFile(directory);
  if (!existsSync(source)) throw new RiverError('NotFound', `State directory ${directory} has no store.`);
  const reader = new SqliteDatabase(source, { readonly: true, timeout: 5000 });
  try {
    await writeBackup(reader, file, allPages);
  } finally {
    reader.close();
  }
}

/** Copies through the writer's connection: writes made meanwhile go into the copy, and it never starts over. */
export async function writeBackup(writer: Database, file: string, pages = pagesPerTurn): Promise<void> {
  refuseExisting(file);
  const partial = join(dirname(file), `.${basename(file)}.partial`);
  rmSync(partial, { force: true });
  try {
    makePrivateFile(partial);
    await writer.backup(partial, { progress: () => pages });
    syncPath(partial);
    // Not rename: that would replace a file made under this name meanwhile.
    linkSync(partial, file);
    rmSync(partial);
    syncPath(dirname(file));
  } catch (error) {
    rmSync(partial, { force: true });
    if (error instanceof RiverError) throw error;
    throw new RiverError(
      'ServiceUnavailable',
      `The backup to ${file} failed: ${errorMessage(error)}.`,
      {},
      { cause: error },
    );
  }
}

function refuseExisting(file: string): void {
  if (!existsSync(file)) return;
  throw new RiverError(
    'AlreadyExists',
    `Backup file ${file} exists: choose another name, or remove it first.`,
  );
}

export interface RestoreOptions {
  /** A file that `Store.backup` wrote. */
  file: string;
  /** State directory without a store; made where it is missing. */
  directory: string;
  rng: Rng;
  filesystem?: FilesystemReader;
}

export interface Restored {
  clusterUid: string;
  /** The new epoch. */
  epoch: string;
  /** Where the version goes on; also the floor: every older watch and list has to start afresh. */
  version: number;
}

/** Makes a store from a backup: same cluster, new epoch. The store appears under its name only when it is whole. */
export function restoreBackup(options: RestoreOptions): Restored {
  const { file, directory } = options;
  if (!existsSync(file)) throw new RiverError('NotFound', `Backup file ${file} does not exist.`);
  prepareDirectory(directory, options.filesystem ?? kernelFilesystemReader);
  const lock = lockDirectory(directory);
  const target = databaseFile(directory);
  const partial = `${target}.restoring`;
  try {
    refuseStore(target, directory);
    rmSync(partial, { force: true });
    copyFileSync(file, partial);
    makePrivateFile(partial);
    const restored = stampCopy(partial, file, options.rng);
    syncPath(partial);
    renameSync(partial, target);
    syncPath(directory);
    return restored;
  } finally {
    rmSync(partial, { force: true });
    lock.release();
  }
}

function refuseStore(target: string, directory: string): void {
  if (!existsSync(target) || statSync(target).size === 0) return;
  throw new RiverError(
    'AlreadyExists',
    `State directory ${directory} already has a store: restore into an empty one, or move it away first.`,
  );
}

function stampCopy(partial: string, file: string, rng: Rng): Restored {
  const database = new SqliteDatabase(partial);
  try {
    // The whole store in one file: no write-ahead log that could be left behind.
    database.pragma('journal_mode = DELETE');
    checkIntegrity(database, file);
    if (schemaVersion(database) === 0)
      throw new RiverError('Invalid', `${file} is not a backup of a river store.`);
    refuseNewerSchema(database, `Backup ${file}`);
    const epoch = rng.uuid();
    const newest = Math.max(new Queries(database).newestLogged(), Number(readMeta(database, 'floor')));
    const version = newest + restoreJump;
    database.transaction(() => {
      writeMeta(database, 'epoch', epoch);
      writeMeta(database, 'floor', version);
    })();
    return { clusterUid: String(readMeta(database, 'clusterUid')), epoch, version };
  } catch (error) {
    throw diskError(error, dirname(partial));
  } finally {
    database.close();
  }
}

import { statfsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import SqliteDatabase, { type Database } from 'better-sqlite3';
import { errorMessage, type Logger, RiverError, type Rng, syncPath } from '../base/index.ts';
import { makePrivateFile } from './directory.ts';
import { migrate, readMeta, writeMeta } from './schema.ts';

/** Everything that a store consists of: the main file and its write-ahead log. A copy of both, main file first, is a crash image. */
export const storeFiles: readonly string[] = ['river.db', 'river.db-wal'];

export function databaseFile(directory: string): string {
  return join(directory, 'river.db');
}

export function isSqliteError(error: unknown): error is InstanceType<typeof SqliteDatabase.SqliteError> {
  return error instanceof SqliteDatabase.SqliteError;
}

/** Codes of the database, and of the file system itself. */
const fullCodes = ['SQLITE_FULL', 'ENOSPC', 'EDQUOT'];
const deniedCodes = ['EACCES', 'EPERM', 'EROFS', 'ENOTDIR', 'EEXIST', 'SQLITE_READONLY', 'SQLITE_CANTOPEN'];

/** What a person can do about an error of the database or of its directory, as one sentence. */
export function diskError(error: unknown, directory: string): RiverError {
  if (error instanceof RiverError) return error;
  const code = String((error as { code?: unknown } | undefined)?.code ?? '');
  const cause = { cause: error };
  if (deniedCodes.includes(code)) {
    const message = `State directory ${directory} cannot be used (${errorMessage(error)}): make it writable for this user, or choose another one with stateDir.`;
    return new RiverError('Forbidden', message, {}, cause);
  }
  if (fullCodes.includes(code) || code.startsWith('SQLITE_IOERR')) {
    const what = fullCodes.includes(code) ? 'The disk is full' : `The disk failed (${code})`;
    const message = `${what} while writing to state directory ${directory} (${freeSpace(directory)}): nothing was changed; free some space there and try again.`;
    return new RiverError('ServiceUnavailable', message, {}, cause);
  }
  if (code.startsWith('SQLITE_BUSY')) {
    const message = `Another program holds a lock on the store in ${directory}: close it and try again.`;
    return new RiverError('ServiceUnavailable', message, {}, cause);
  }
  if (code.startsWith('SQLITE_CORRUPT') || code === 'SQLITE_NOTADB') {
    return damaged(databaseFile(directory), errorMessage(error));
  }
  return new RiverError(
    'InternalError',
    `The store in ${directory} failed: ${errorMessage(error)}.`,
    {},
    cause,
  );
}

function freeSpace(directory: string): string {
  try {
    const { bavail, bsize } = statfsSync(directory);
    return `${Math.floor((bavail * bsize) / 1024)} KiB free`;
  } catch {
    return 'free space unknown';
  }
}

export function damaged(file: string, finding: string): RiverError {
  return new RiverError(
    'InternalError',
    `${file} is damaged (${finding}): move its directory away and restore a backup with \`river-host restore\`.`,
  );
}

/** Raises `InternalError` naming the file when SQLite finds it damaged. */
export function checkIntegrity(database: Database, file: string): void {
  const finding = String(database.pragma('quick_check(1)', { simple: true }));
  if (finding !== 'ok') throw damaged(file, finding);
}

export interface Connections {
  writer: Database;
  /** Sees committed states only, also while a transaction runs on the writer. */
  reader: Database;
}

export interface ConnectionOptions {
  directory: string;
  rng: Rng;
  logger: Logger;
  /** The file grows to at most this many pages of 4,096 bytes. */
  maxPages?: number;
  /** Pages in the write-ahead log from which on a commit moves it into the file. */
  checkpointPages?: number;
}

/** The directory must be locked. Closes what it opened when it fails. */
export function openConnections(options: ConnectionOptions): Connections {
  const file = databaseFile(options.directory);
  makePrivateFile(file);
  const writer = new SqliteDatabase(file, { timeout: 1000 });
  try {
    prepareWriter(writer, file, options);
    const reader = new SqliteDatabase(file, { readonly: true, timeout: 1000 });
    reader.pragma('cache_size = -4000');
    return { writer, reader };
  } catch (error) {
    writer.close();
    throw diskError(error, options.directory);
  }
}

function prepareWriter(writer: Database, file: string, options: ConnectionOptions): void {
  writer.pragma('journal_mode = WAL');
  writer.pragma('synchronous = FULL');
  // Without a limit the log keeps the size of the busiest moment for good.
  writer.pragma('journal_size_limit = 33554432');
  if (options.checkpointPages) writer.pragma(`wal_autocheckpoint = ${options.checkpointPages}`);
  if (options.maxPages) writer.pragma(`max_page_count = ${options.maxPages}`);
  checkIntegrity(writer, file);
  const copy = migrate(writer, file);
  if (copy) options.logger.info('migrated the store; the state before is kept', { file, copy });
  if (readMeta(writer, 'clusterUid') === undefined) {
    writer.transaction(() => {
      writeMeta(writer, 'clusterUid', options.rng.uuid());
      writeMeta(writer, 'epoch', options.rng.uuid());
      writeMeta(writer, 'floor', 0);
      writeMeta(writer, 'compacted', 0);
    })();
    syncPath(dirname(file));
  }
}

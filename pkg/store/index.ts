/**
 * Desired and reported state, durable and watchable: one log of writes in one SQLite file. Decides what is
 * newest, what a version shows and when a write is safe. Knows kinds only by name and validates nothing in
 * them; never talks to the network.
 */
export { backupDirectory, type Restored, type RestoreOptions, restoreBackup } from './backup.ts';
export { CompactionLoop, type CompactionLoopOptions } from './compaction-loop.ts';
export { storeFiles } from './database.ts';
export { type DirectoryLock, type FilesystemReader, lockDirectory } from './directory.ts';
export { openSqliteStore, SqliteStore, type SqliteStoreOptions } from './sqlite-store.ts';
export * from './types.ts';

import {
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  realpathSync,
  statfsSync,
} from 'node:fs';
import { join } from 'node:path';
import SqliteDatabase from 'better-sqlite3';
import { RiverError } from '../base/index.ts';

/** What the kernel says about the file system under a directory. Injected, so that a test can show an NFS mount. */
export interface FilesystemReader {
  /** `f_type` of statfs(2). */
  type(directory: string): number;
  /** Text of /proc/self/mountinfo; empty where there is none. */
  mountinfo(): string;
}

export const kernelFilesystemReader: FilesystemReader = {
  type: (directory) => statfsSync(directory).type,
  mountinfo() {
    try {
      return readFileSync('/proc/self/mountinfo', 'utf8');
    } catch {
      return '';
    }
  },
};

/** NFS_SUPER_MAGIC of linux/magic.h. */
const nfsMagic = 0x6969;
const networkTypes = ['nfs', 'nfs4', 'cifs', 'smb3', 'fuse.sshfs'];

/** proc(5): "36 35 98:0 / /mnt rw,noatime master:1 - ext3 /dev/root rw": field 5 is the mount point, the word after " - " the type. */
function mountType(mountinfo: string, directory: string): string {
  let best = { point: '', type: '' };
  for (const line of mountinfo.split('\n')) {
    const [left = '', right = ''] = line.split(' - ');
    const point = (left.split(' ')[4] ?? '').replace(/\\([0-7]{3})/g, (_, octal) =>
      String.fromCharCode(Number.parseInt(octal, 8)),
    );
    const inside = point === '/' || directory === point || directory.startsWith(`${point}/`);
    // A later line of the same mount point lies on top of the earlier one.
    if (point && inside && point.length >= best.point.length)
      best = { point, type: right.split(' ')[0] ?? '' };
  }
  return best.type;
}

/** SQLite's write-ahead log needs memory shared by all processes and locks that hold: network file systems give neither. */
function refuseNetworkFilesystem(directory: string, reader: FilesystemReader): void {
  const real = realpathSync.native(directory);
  const mounted = mountType(reader.mountinfo(), real);
  const type = networkTypes.includes(mounted) ? mounted : reader.type(real) === nfsMagic ? 'nfs' : undefined;
  if (!type) return;
  throw new RiverError(
    'Invalid',
    `State directory ${directory} is on a network file system (${type}), where the store's locks do not hold: choose a directory on a local disk.`,
  );
}

/** Makes the directory where it is missing, readable by its owner only. */
export function prepareDirectory(directory: string, reader: FilesystemReader): void {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  refuseNetworkFilesystem(directory, reader);
  chmodSync(directory, 0o700);
}

/**
 * SQLite gives its -wal and -shm files the mode of the main file. A file that is there is not opened: closing it would
 * drop the locks that this process holds on it (fcntl(2)).
 */
export function makePrivateFile(file: string): void {
  if (!existsSync(file)) closeSync(openSync(file, 'a', 0o600));
  chmodSync(file, 0o600);
}

export interface DirectoryLock {
  release(): void;
}

/**
 * One process at a time. The lock is the write lock of an otherwise unused SQLite file: the kernel drops it
 * when the process dies, however it dies. Its user_version is the owner's pid, which others may read. Raises `Conflict`
 * while another process has it. `name`: of the file.
 */
export function lockDirectory(directory: string, name = 'river.lock'): DirectoryLock {
  const file = join(directory, name);
  makePrivateFile(file);
  const database = new SqliteDatabase(file, { timeout: 0 });
  try {
    database.exec('BEGIN IMMEDIATE');
    database.pragma(`user_version = ${process.pid}`);
    database.exec('COMMIT');
    database.exec('BEGIN IMMEDIATE');
  } catch (error) {
    const owner = ownerOf(database);
    database.close();
    if (!(error instanceof SqliteDatabase.SqliteError) || !error.code.startsWith('SQLITE_BUSY')) throw error;
    throw new RiverError(
      'Conflict',
      `State directory ${directory} is in use by another river process${owner}: stop that one first, or choose another directory.`,
    );
  }
  return { release: () => database.close() };
}

function ownerOf(database: SqliteDatabase.Database): string {
  try {
    const pid = Number(database.pragma('user_version', { simple: true }));
    return pid > 0 ? ` (pid ${pid})` : '';
  } catch {
    // The other one is writing its pid this very moment.
    return '';
  }
}

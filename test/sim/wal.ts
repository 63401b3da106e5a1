import {
  closeSync,
  copyFileSync,
  existsSync,
  fstatSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Rng } from '../../pkg/base/index.ts';

const headerBytes = 32;
const frameHeaderBytes = 24;

/**
 * Length of the part of a write-ahead log that counts: the frames of the present salt up to the last commit
 * (the file itself does not shrink at a checkpoint). https://sqlite.org/fileformat2.html#walformat
 */
function committedLength(wal: Uint8Array): number {
  if (wal.length < headerBytes) return 0;
  const view = new DataView(wal.buffer, wal.byteOffset, wal.byteLength);
  const frameBytes = frameHeaderBytes + view.getUint32(8);
  const salts = [view.getUint32(16), view.getUint32(20)];
  let committed = headerBytes;
  for (let at = headerBytes; at + frameBytes <= wal.length; at += frameBytes) {
    if (view.getUint32(at + 8) !== salts[0] || view.getUint32(at + 12) !== salts[1]) break;
    if (view.getUint32(at + 4) !== 0) committed = at + frameBytes;
  }
  return committed;
}

/** Bytes of the log that a checkpoint has copied into the database: they were synced before, so they cannot be lost. */
function checkpointedLength(wal: Uint8Array, shmFile: string): number {
  if (wal.length < headerBytes || !existsSync(shmFile)) return 0;
  const pageBytes = new DataView(wal.buffer, wal.byteOffset, wal.byteLength).getUint32(8);
  // nBackfill of the WAL index, in the byte order of the machine. https://sqlite.org/walformat.html
  const frames = new Uint32Array(new Uint8Array(readFileSync(shmFile).subarray(96, 100)).buffer)[0] ?? 0;
  return headerBytes + frames * (frameHeaderBytes + pageBytes);
}

export interface WalMark {
  salts: string;
  length: number;
}

let scratch = Buffer.alloc(8 * 1024 * 1024);

/** Valid until the next call: logs are megabytes, and are read at every crash. */
function readWal(folder: string, database: string): Uint8Array {
  const file = join(folder, `${database}-wal`);
  if (!existsSync(file)) return new Uint8Array();
  const handle = openSync(file, 'r');
  try {
    const { size } = fstatSync(handle);
    if (size > scratch.length) scratch = Buffer.alloc(2 * size);
    return scratch.subarray(0, readSync(handle, scratch, 0, size, 0));
  } finally {
    closeSync(handle);
  }
}

function cutFile(file: string, at: number, tail: Uint8Array): void {
  const handle = openSync(file, 'r+');
  try {
    ftruncateSync(handle, at);
    writeSync(handle, tail, 0, tail.length, at);
  } finally {
    closeSync(handle);
  }
}

/** What is durable now: everything up to here has been, or may have been, acknowledged. */
export function markWal(folder: string, database: string): WalMark {
  const wal = readWal(folder, database);
  return { salts: Buffer.from(wal.subarray(16, 24)).toString('hex'), length: committedLength(wal) };
}

export interface Tear {
  rng: Rng;
  /** Nothing before it may be lost. Left out: no commit is lost, but half of one more may follow. */
  acknowledged?: WalMark;
}

/** How many bytes of the log reach the copy, anywhere between what was acknowledged and its end. */
function cutAt(wal: Uint8Array, from: string, database: string, tear: Tear): number {
  const end = committedLength(wal);
  if (!tear.acknowledged) return end;
  const salts = Buffer.from(wal.subarray(16, 24)).toString('hex');
  const kept = salts === tear.acknowledged.salts ? tear.acknowledged.length : Math.min(headerBytes, end);
  const low = Math.max(kept, Math.min(end, checkpointedLength(wal, join(from, `${database}-shm`))));
  return low + tear.rng.below(end - low + 1);
}

/** A frame of the present salt whose page never arrived whole: recovery must drop it. */
function halfFrame(wal: Uint8Array, rng: Rng): Uint8Array {
  if (wal.length < headerBytes) return new Uint8Array();
  const frame = Buffer.from(rng.bytes(frameHeaderBytes + rng.below(200)));
  frame.writeUInt32BE(1, 0);
  frame.writeUInt32BE(1, 4);
  Buffer.from(wal.subarray(16, 24)).copy(frame, 8);
  return frame;
}

/** Makes of a database that nobody has open what a crash leaves of it: its log is torn. Answers a note for the trace. */
export function tearWal(folder: string, database: string, tear: Tear): string {
  const wal = readWal(folder, database);
  if (wal.length === 0) return 'no log';
  const end = committedLength(wal);
  const cut = cutAt(wal, folder, database, tear);
  const tail = cut === end && tear.rng.below(2) === 0 ? halfFrame(wal, tear.rng) : new Uint8Array();
  cutFile(join(folder, `${database}-wal`), cut, tail);
  return `${end - cut} bytes cut, ${tail.length} torn bytes added`;
}

/** The same of a copy, for a database that is still open. */
export function copyTorn(from: string, to: string, database: string, tear: Tear): string {
  mkdirSync(to, { recursive: true });
  for (const end of ['', '-wal', '-shm']) {
    const file = `${database}${end}`;
    if (existsSync(join(from, file))) copyFileSync(join(from, file), join(to, file));
  }
  return tearWal(to, database, tear);
}

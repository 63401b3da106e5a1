import type { FileHandle } from 'node:fs/promises';
import { RiverError } from '../base/index.ts';

const block = 512;
/** Names and attributes of an entry are short; a larger header is no tar that an engine has written. */
const extensionLimit = 1 << 20;

export interface TarEntry {
  path: string;
  /** Of its bytes in the tar, not of its header. */
  offset: number;
  size: number;
  /** Where a link leads, as it stands there. */
  link?: string;
}

export function notATarball(file: string, why: string): RiverError {
  return new RiverError(
    'Invalid',
    `${file} is no tarball of an image: ${why}. Write one with docker save or river env export.`,
  );
}

/**
 * What is in a tar and where, from its headers alone: it reads 512 bytes an entry, however large that is. Raises
 * `Invalid` for what is none, or is cut off.
 */
export async function readTarEntries(handle: FileHandle, file: string): Promise<TarEntry[]> {
  const { size: total } = await handle.stat();
  const entries: TarEntry[] = [];
  let extension: { path?: string; link?: string; size?: number } = {};
  let position = 0;
  while (position + block <= total) {
    const header = await readExactly(handle, position, block, file);
    if (header.every((byte) => byte === 0)) return entries;
    if (position === 0 && isCompressed(header)) throw notATarball(file, 'it is compressed; unpack it first');
    if (!hasGoodChecksum(header)) throw notATarball(file, `there is no header at byte ${position}`);
    const type = String.fromCharCode(header[156] ?? 0);
    const size = extension.size ?? number(header, 124, 12);
    const offset = position + block;
    if (offset + size > total) throw notATarball(file, `it ends at byte ${total}, within an entry`);
    position = offset + Math.ceil(size / block) * block;
    if ('xLKg'.includes(type)) {
      if (size > extensionLimit) throw notATarball(file, `the header at byte ${offset} is too long`);
      if (type !== 'g')
        extension = { ...extension, ...extended(type, await readExactly(handle, offset, size, file)) };
      continue;
    }
    const link = extension.link ?? text(header, 157, 100);
    entries.push({
      path: extension.path ?? headerPath(header),
      offset,
      size,
      ...(type === '1' || type === '2' ? { link } : {}),
    });
    extension = {};
  }
  throw notATarball(file, total === 0 ? 'it is empty' : `it ends at byte ${total}, without its end mark`);
}

export async function readExactly(
  handle: FileHandle,
  position: number,
  length: number,
  file: string,
): Promise<Buffer> {
  const buffer = Buffer.alloc(length);
  let done = 0;
  while (done < length) {
    const { bytesRead } = await handle.read(buffer, done, length - done, position + done);
    if (bytesRead === 0) throw notATarball(file, `it ends at byte ${position + done}`);
    done += bytesRead;
  }
  return buffer;
}

function text(buffer: Buffer, start: number, length: number): string {
  const field = buffer.subarray(start, start + length);
  const end = field.indexOf(0);
  return field.subarray(0, end < 0 ? length : end).toString();
}

/** Octal, or since GNU tar big-endian after a byte 0x80, for files of 8 GiB and more. */
function number(buffer: Buffer, start: number, length: number): number {
  if (buffer[start] === 0x80) return Number(buffer.readBigUInt64BE(start + length - 8));
  return Number.parseInt(text(buffer, start, length).trim() || '0', 8);
}

/** By the first bytes of gzip, bzip2, xz and zstd. */
function isCompressed(header: Buffer): boolean {
  return ['1f8b', '425a68', 'fd377a585a00', '28b52ffd'].some((magic) =>
    header.toString('hex').startsWith(magic),
  );
}

function hasGoodChecksum(header: Buffer): boolean {
  let sum = 8 * 32;
  header.forEach((byte, index) => {
    if (index < 148 || index >= 156) sum += byte;
  });
  return sum === number(header, 148, 8);
}

function headerPath(header: Buffer): string {
  const name = text(header, 0, 100);
  const prefix = text(header, 257, 5) === 'ustar' ? text(header, 345, 155) : '';
  return prefix && text(header, 257, 8) !== 'ustar  ' ? `${prefix}/${name}` : name;
}

/** What an extended header says of the entry that follows it: GNU's L and K, or the records of pax. */
function extended(type: string, body: Buffer): { path?: string; link?: string; size?: number } {
  if (type === 'L') return { path: text(body, 0, body.length) };
  if (type === 'K') return { link: text(body, 0, body.length) };
  const found: { path?: string; link?: string; size?: number } = {};
  let rest = body;
  while (rest.length > 0) {
    const length = Number.parseInt(rest.toString('latin1', 0, 20), 10);
    if (!(length > 0)) break;
    const [key = '', ...value] = rest
      .subarray(rest.indexOf(32) + 1, length - 1)
      .toString()
      .split('=');
    if (key === 'path') found.path = value.join('=');
    if (key === 'linkpath') found.link = value.join('=');
    if (key === 'size') found.size = Number(value.join('='));
    rest = rest.subarray(length);
  }
  return found;
}

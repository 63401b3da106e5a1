const block = 512;

export interface TarHeader {
  path: string;
  /** Of a file. */
  size?: number;
  mode: number;
  type: 'file' | 'directory' | 'link';
  /** Where a link leads. */
  link?: string;
}

/** Marks the end of a tar. */
export const tarEnd: Buffer = Buffer.alloc(2 * block);

/** What follows the bytes of a file, up to the next header. */
export function tarPadding(size: number): Buffer {
  return Buffer.alloc((block - (size % block)) % block);
}

/**
 * The header of an entry that belongs to root and has no time: the same content is the same tar, on every machine
 * and at every time. Names of more than 100 bytes go before it, as GNU tar writes them.
 */
export function tarHeader({ path, size = 0, mode, type, link = '' }: TarHeader): Buffer {
  const flag = { file: '0', directory: '5', link: '2' }[type];
  return Buffer.concat([
    ...longName('L', path),
    ...longName('K', link),
    header({ path, size: type === 'file' ? size : 0, mode, flag, link }),
  ]);
}

function longName(flag: string, name: string): Buffer[] {
  const bytes = Buffer.from(`${name}\0`);
  if (bytes.length <= 101) return [];
  return [
    header({ path: '././@LongLink', size: bytes.length, mode: 0o644, flag, link: '' }),
    bytes,
    tarPadding(bytes.length),
  ];
}

interface RawHeader {
  path: string;
  size: number;
  mode: number;
  flag: string;
  link: string;
}

function header({ path, size, mode, flag, link }: RawHeader): Buffer {
  const made = Buffer.alloc(block);
  Buffer.from(path).copy(made, 0, 0, 100);
  made.write(octal(mode & 0o7777, 7), 100);
  made.write(octal(0, 7), 108);
  made.write(octal(0, 7), 116);
  if (size < 8 ** 11) made.write(octal(size, 11), 124);
  else {
    made[124] = 0x80;
    made.writeBigUInt64BE(BigInt(size), 128);
  }
  made.write(octal(0, 11), 136);
  made.write('        ', 148);
  made.write(flag, 156);
  Buffer.from(link).copy(made, 157, 0, 100);
  made.write('ustar  ', 257);
  const sum = made.reduce((total, byte) => total + byte, 0);
  made.write(`${octal(sum, 6)}\0 `, 148);
  return made;
}

function octal(value: number, digits: number): string {
  return value.toString(8).padStart(digits, '0');
}

const blockSize = 512;
/** Octal has room for so much; above it the size is binary, marked by the highest bit (as GNU and Go write it). */
const octalAtMost = 0o77777777777;

function octal(value: number, length: number): string {
  return `${value.toString(8).padStart(length - 1, '0')}\0`;
}

/** The header of one ordinary file: ustar, nobody's, from the year 1970, so that the same content is the same bytes. */
export function tarHeader(path: string, size: number): Buffer {
  const header = Buffer.alloc(blockSize);
  header.write(path, 0, 100, 'utf8');
  header.write(octal(0o644, 8), 100);
  header.write(octal(0, 8), 108);
  header.write(octal(0, 8), 116);
  if (size <= octalAtMost) header.write(octal(size, 12), 124);
  else {
    header.writeBigUInt64BE(BigInt(size), 128);
    header[124] = 0x80;
  }
  header.write(octal(0, 12), 136);
  header.write(' '.repeat(8), 148);
  header.write('0', 156);
  header.write('ustar\x0000', 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return header;
}

/** What fills the last block of a file of this size. */
export function tarPadding(size: number): Buffer {
  return Buffer.alloc((blockSize - (size % blockSize)) % blockSize);
}

export const tarEnd: Buffer = Buffer.alloc(2 * blockSize);

/** A whole tar of small files. */
export function smallTar(files: Record<string, Buffer>): Buffer {
  const parts = Object.entries(files).flatMap(([path, content]) => [
    tarHeader(path, content.length),
    content,
    tarPadding(content.length),
  ]);
  return Buffer.concat([...parts, tarEnd]);
}

import type { FileHandle } from 'node:fs/promises';

const blockBytes = 64 * 1024;
const newline = 0x0a;

/** Offset at which the last `lines` lines begin. A last line without its newline counts as one. */
export async function tailOffset(file: FileHandle, lines: number): Promise<number> {
  const { size } = await file.stat();
  if (lines <= 0) return size;
  let found = 0;
  for (let end = size; end > 0; ) {
    const start = Math.max(0, end - blockBytes);
    const { buffer, bytesRead } = await file.read({
      buffer: Buffer.allocUnsafe(end - start),
      position: start,
    });
    for (let index = bytesRead - 1; index >= 0; index--) {
      const isEnd = start + index === size - 1;
      if (buffer[index] === newline && !isEnd && ++found === lines) return start + index + 1;
    }
    end = start;
  }
  return 0;
}

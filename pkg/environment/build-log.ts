import type { FileHandle } from 'node:fs/promises';

const firstWord = 'build of ';
/** Longer is no first line of ours. */
const lineLimit = 64;

/** With what the output of a build begins: by its time one build is told from the next. */
export function buildLogHead(now: number): string {
  return `${firstWord}${new Date(now).toISOString()}\n`;
}

/** Which build it is the output of; undefined while there is nothing in it. */
export async function buildOfLog(file: FileHandle): Promise<string | undefined> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(lineLimit), 0, lineLimit, 0);
  const [line = '', ...rest] = buffer.toString('latin1', 0, bytesRead).split('\n');
  if (rest.length === 0) return undefined;
  return line.startsWith(firstWord) ? line.slice(firstWord.length) : '';
}

import { statfs } from 'node:fs/promises';

/** On the disk of an engine that keeps its data in this folder; undefined where that is not on this machine. */
export async function freeBytes(rootDir: string | undefined): Promise<number | undefined> {
  const found = await statfs(rootDir ?? '').catch(() => undefined);
  return found && found.bavail * found.bsize;
}

import { readFileSync } from 'node:fs';

/**
 * Text of a file that the kernel makes up in memory; '' where there is none, or none any more. Synchronous: it waits for
 * no disk, and a node with hundreds of runs has several for each.
 */
export function readKernelFile(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

import { join } from 'node:path';

/** Where a runner writes, and the host looks for, the output of runs. */
export function logDirectory(directories: { sharedDir?: string; stateDir: string }): string {
  return join(directories.sharedDir ?? directories.stateDir, 'logs');
}

/** Files of one run's output. Both names are valid object names, so no path can lead out of the directory. */
export function logPaths(logDir: string, namespace: string, run: string): { out: string; err: string } {
  const base = join(logDir, namespace, run);
  return { out: `${base}.out`, err: `${base}.err` };
}

import { execFile } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { promisify } from 'node:util';
import { realClock, sleep } from '../../pkg/base/index.ts';

const run = promisify(execFile);

/**
 * What killed programs with files in this folder have left behind: processes that have it in their arguments or are in
 * it, as the shims of an engine and their containers, and mounts.
 */
export async function removeRemains(folder: string): Promise<void> {
  const isIn = (path: string) => path.startsWith(`${folder}/`);
  const remains = () => processes().filter(({ cwd, args }) => isIn(cwd) || args.some(isIn));
  // A shim tells its containerd of each end before it goes, and would wait for it for ever.
  for (let left = remains(); left.length > 0; left = remains()) {
    const pids = new Set(left.map(({ pid }) => pid));
    // The first process of a container: what it has started goes with it.
    for (const { pid, parent } of processes()) if (pids.has(parent)) kill(pid);
    for (const pid of pids) kill(pid);
    await sleep(realClock, 20);
  }
  const mounts = readFileSync('/proc/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[1] ?? '');
  for (const path of mounts.filter(isIn).reverse()) await run('umount', [path]);
}

/** All that execute; one that has ended and is not waited for has no arguments. */
function processes(): { pid: number; parent: number; cwd: string; args: string[] }[] {
  const pids = readdirSync('/proc').filter((name) => Number(name) > 0);
  return pids.flatMap((pid) => {
    try {
      const parent = /^PPid:\t(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
      const args = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
      return [{ pid: Number(pid), parent: Number(parent), cwd: readlinkSync(`/proc/${pid}/cwd`), args }];
    } catch {
      return [];
    }
  });
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended meanwhile.
  }
}

import { readFileSync } from 'node:fs';

/** What CUDA_VISIBLE_DEVICES of a program says; absent when it says nothing, or belongs to somebody else. */
export function gpusOf(pid: number, proc = '/proc'): { gpus?: string[] } {
  const visible =
    environment(pid, proc)
      .find((entry) => entry.startsWith(name))
      ?.slice(name.length) ?? '';
  const gpus = visible.split(',').filter((uuid) => uuid !== '');
  return gpus.length > 0 ? { gpus } : {};
}

const name = 'CUDA_VISIBLE_DEVICES=';

function environment(pid: number, proc: string): string[] {
  try {
    return readFileSync(`${proc}/${pid}/environ`, 'utf8').split('\0');
  } catch {
    return [];
  }
}

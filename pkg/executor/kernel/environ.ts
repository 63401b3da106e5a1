import { readKernelFile } from './files.ts';

/** What CUDA_VISIBLE_DEVICES of a program says; absent when it says nothing, or belongs to somebody else. */
export function gpusOf(pid: number, proc = '/proc'): { gpus?: string[] } {
  const visible =
    readKernelFile(`${proc}/${pid}/environ`)
      .split('\0')
      .find((entry) => entry.startsWith(name))
      ?.slice(name.length) ?? '';
  const gpus = visible.split(',').filter((uuid) => uuid !== '');
  return gpus.length > 0 ? { gpus } : {};
}

const name = 'CUDA_VISIBLE_DEVICES=';

import { RiverError } from '../../base/index.ts';

export interface Mount {
  source: string;
  target: string;
  readOnly: boolean;
}

const isAbsolute = (path: string) =>
  path.startsWith('/') && !path.split('/').includes('..') && !path.includes('\0');

/** Reads `SOURCE:TARGET[:ro|rw]`. Raises `Invalid`. */
export function parseMount(text: string): Mount {
  const [source = '', target = '', mode = 'rw', ...rest] = text.split(':');
  if (rest.length > 0 || !isAbsolute(source) || !isAbsolute(target) || (mode !== 'ro' && mode !== 'rw')) {
    throw new RiverError(
      'Invalid',
      `must be SOURCE:TARGET, SOURCE:TARGET:ro or SOURCE:TARGET:rw with absolute paths without ..; found "${text}"`,
    );
  }
  if (/^\/+$/.test(target))
    throw new RiverError('Invalid', `cannot be mounted over the container's /; found "${text}"`);
  return { source, target, readOnly: mode === 'ro' };
}

import { RiverError } from '../../base/index.ts';

/** What a person says of where a host is, without slashes at its end. Raises `BadRequest`. */
export function serverAddress(text: string): string {
  const server = text.replace(/\/+$/, '');
  const { protocol, pathname, search, username } = URL.canParse(server) ? new URL(server) : new URL('none:');
  if (protocol === 'https:' && pathname === '/' && !search && !username) return server;
  throw new RiverError(
    'BadRequest',
    `the address of the host must be as in https://lab.example:8000; found "${text}"`,
  );
}

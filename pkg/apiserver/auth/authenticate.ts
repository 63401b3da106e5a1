import type { Identity } from '../../api/index.ts';
import { type Clock, RiverError } from '../../base/index.ts';
import { verifyToken } from './tokens.ts';

/** Who a request is from, by its Authorization header. Raises `Unauthorized`. */
export type Authenticate = (authorization: string | undefined) => Identity;

export function tokenAuthentication(key: Uint8Array, clock: Clock): Authenticate {
  return (authorization) => {
    const token = /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1];
    if (token === undefined) {
      throw new RiverError(
        'Unauthorized',
        'a bearer token is required: the river command takes it from ~/.river/config',
      );
    }
    return verifyToken(key, token, clock.now());
  };
}

import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Identity } from '../../api/index.ts';
import { RiverError, type Rng } from '../../base/index.ts';

const prefix = 'river_';

/** Who may hold a token: nodes show a certificate, controllers live in the host and need nothing. */
export type TokenIdentity = Extract<Identity, { role: 'admin' }>;

interface Claims {
  role: 'admin';
  name: string;
  /** Seconds since the epoch. */
  exp?: number;
  /** Makes two tokens of one identity different. */
  jti: string;
}

/** `river_<claims>.<HMAC-SHA256 of the claims>`, both base64url. `expiresAtMs`: milliseconds since the epoch. */
export function createToken(
  key: Uint8Array,
  identity: TokenIdentity,
  rng: Rng,
  expiresAtMs?: number,
): string {
  const claims: Claims = {
    role: identity.role,
    name: identity.name,
    ...(expiresAtMs === undefined ? {} : { exp: Math.floor(expiresAtMs / 1000) }),
    jti: Buffer.from(rng.bytes(9)).toString('base64url'),
  };
  const body = Buffer.from(JSON.stringify(claims)).toString('base64url');
  return `${prefix}${body}.${sign(key, body).toString('base64url')}`;
}

/** Raises `Unauthorized` with what to do; never says more about a wrong token than that it is wrong. */
export function verifyToken(key: Uint8Array, token: string, nowMs: number): TokenIdentity {
  const [body = '', signature = ''] = token.startsWith(prefix) ? token.slice(prefix.length).split('.') : [];
  const expected = sign(key, body);
  const given = Buffer.from(signature, 'base64url');
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) throw wrongToken();
  const claims = readClaims(body);
  if (claims.exp !== undefined && claims.exp * 1000 <= nowMs) {
    throw new RiverError('Unauthorized', 'the token has expired; get a new one with river-host token');
  }
  return { role: claims.role, name: claims.name };
}

function sign(key: Uint8Array, body: string): Buffer {
  return createHmac('sha256', key).update(body).digest();
}

function readClaims(body: string): Claims {
  const claims = JSON.parse(Buffer.from(body, 'base64url').toString('utf8')) as Claims;
  if (claims.role !== 'admin' || typeof claims.name !== 'string') throw wrongToken();
  return claims;
}

function wrongToken(): RiverError {
  return new RiverError('Unauthorized', 'the token is not one of this host; get one with river-host token');
}

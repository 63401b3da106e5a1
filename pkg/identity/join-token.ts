import { createHmac, timingSafeEqual } from 'node:crypto';
import { RiverError, type Rng } from '../base/index.ts';

// Signed with it, so that no join token is a bearer token: the same key signs both.
const prefix = 'river_join_';

export interface JoinClaims {
  /** The name that the machine gets. */
  node: string;
  /** SHA-256 of the authority's certificate, hexadecimal. */
  ca: string;
  /** Milliseconds since the epoch. */
  exp: number;
  /** Which token: each is good for one machine. */
  jti: string;
  /** It may take a name that belongs to another key. */
  replace?: true;
}

/** `river_join_<claims>.<HMAC-SHA256>`. Nothing in it is secret but the right to join. */
export function createJoinToken(key: Uint8Array, claims: Omit<JoinClaims, 'jti'>, rng: Rng): string {
  const jti = Buffer.from(rng.bytes(12)).toString('base64url');
  const body = Buffer.from(JSON.stringify({ ...claims, jti })).toString('base64url');
  return `${prefix}${body}.${sign(key, body).toString('base64url')}`;
}

/** On the host. Raises `Unauthorized` with what to do. */
export function verifyJoinToken(key: Uint8Array, token: string, nowMs: number): JoinClaims {
  const [body, signature] = parts(token);
  const expected = sign(key, body);
  const given = Buffer.from(signature, 'base64url');
  if (given.length !== expected.length || !timingSafeEqual(given, expected))
    throw wrongToken('is not one of this host');
  const claims = claimsOf(body);
  if (claims.exp <= nowMs) throw new RiverError('Unauthorized', `the join token has expired; ${howToGetOne}`);
  return claims;
}

/** On the machine that joins, which cannot check the signature: whom to trust, and under which name. Raises `BadRequest`. */
export function readJoinToken(token: string): JoinClaims {
  const [body, signature] = parts(token);
  if (body === '' || signature === '')
    throw new RiverError('BadRequest', `this is no join token; ${howToGetOne}`);
  return claimsOf(body);
}

const howToGetOne = 'get one with river token create --node NAME';

function parts(token: string): [string, string] {
  const [body = '', signature = '', ...rest] = token.startsWith(prefix)
    ? token.slice(prefix.length).split('.')
    : [];
  return rest.length > 0 ? ['', ''] : [body, signature];
}

function sign(key: Uint8Array, body: string): Buffer {
  return createHmac('sha256', key).update(prefix).update(body).digest();
}

function claimsOf(body: string): JoinClaims {
  try {
    const claims = JSON.parse(Buffer.from(body, 'base64url').toString('utf8')) as Partial<JoinClaims>;
    const { node, ca, exp, jti } = claims;
    if (node && jti && typeof exp === 'number' && /^[0-9a-f]{64}$/.test(ca ?? ''))
      return claims as JoinClaims;
  } catch {
    // Said below.
  }
  throw wrongToken('is not whole');
}

function wrongToken(problem: string): RiverError {
  return new RiverError('Unauthorized', `the join token ${problem}; ${howToGetOne}`);
}

import type { X509Certificate } from 'node:crypto';
import { nameProblem } from '../api/index.ts';
import { type Clock, type Logger, RiverError, type Rng, timestamp } from '../base/index.ts';
import type { Authority } from './authority.ts';
import { createJoinToken, type JoinClaims, verifyJoinToken } from './join-token.ts';
import { checkKeyProof, encoded, type KeyProof } from './node-credential.ts';
import type { NodeRegistry } from './node-registry.ts';

export interface JoiningParts {
  authority: Authority;
  registry: NodeRegistry;
  /** Signs join tokens. */
  key: Uint8Array;
  clock: Clock;
  rng: Rng;
  logger: Logger;
}

export interface JoinTokenRequest {
  /** How long it is good, milliseconds. Default one hour, at most thirty days. */
  lifetimeMs?: number;
  /** It may take the name from the machine that has it. */
  replace?: boolean;
}

export interface JoinRequest extends KeyProof {
  token: string;
}

const hourMs = 3600 * 1000;
const longestMs = 30 * 24 * hourMs;

/** How machines become nodes, on the host: tokens, and what they are exchanged for. */
export class Joining {
  readonly #parts: JoiningParts;

  constructor(parts: JoiningParts) {
    this.#parts = parts;
  }

  /** Raises `Invalid` for a name that no node can have, `BadRequest` for a lifetime out of range. */
  createToken(
    node: string,
    { lifetimeMs = hourMs, replace }: JoinTokenRequest,
  ): { token: string; expiresAt: string } {
    const problem = nameProblem(node);
    if (problem) throw new RiverError('Invalid', `the name of a node ${problem}`);
    if (!(lifetimeMs > 0 && lifetimeMs <= longestMs))
      throw new RiverError('BadRequest', 'a join token is good for more than 0s and at most 30d');
    const { authority, key, rng, clock } = this.#parts;
    const exp = clock.now() + lifetimeMs;
    const claims = { node, ca: authority.fingerprint, exp, ...(replace ? { replace: true as const } : {}) };
    return { token: createJoinToken(key, claims, rng), expiresAt: timestamp(exp) };
  }

  /**
   * The certificate for a machine's key. The same machine may ask again with the same token: its first answer may
   * have been lost. Raises `Unauthorized` for a token that is wrong, expired or used by another key, `Forbidden` for
   * another name than the token's, `AlreadyExists` for a name that belongs to another key.
   */
  async exchange(
    node: string,
    { token, ...proof }: JoinRequest,
  ): Promise<{ certificate: string; ca: string }> {
    const { authority, registry, key, clock, logger } = this.#parts;
    const claims = verifyJoinToken(key, token, clock.now());
    if (claims.node !== node)
      throw new RiverError('Forbidden', `the join token is for node ${claims.node}, not for ${node}`);
    const publicKey = checkKeyProof(proof, token);
    const before = registry.find(node);
    this.#check(claims, publicKey);
    // Nothing is awaited between the check and this write: of two that come at once, the second one sees the first.
    const joinedAt = timestamp(clock.now());
    // Longer than it is good: a clock that was ahead for a while and is set right must not bring it back.
    const used = { id: claims.jti, until: claims.exp + longestMs };
    registry.register(node, { publicKey, joinedAt }, used, clock.now());
    const certificate = await authority.issueNode(node, Buffer.from(publicKey, 'base64'));
    const replaced = before !== undefined && before.publicKey !== publicKey;
    logger.info('a machine has joined', { node, replaced });
    return { certificate, ca: authority.certificate };
  }

  /** The machine is shut out from now on. `by`: who says so. Raises `NotFound` when none has the name. */
  revoke(node: string, by: string): void {
    const { registry, clock, logger } = this.#parts;
    if (registry.revoke(node, timestamp(clock.now())) === undefined)
      throw new RiverError('NotFound', `no machine has joined as node ${node}: there is no key to revoke`);
    logger.info('the key of a machine was revoked', { node, by });
  }

  #check({ node, jti, replace }: JoinClaims, publicKey: string): void {
    const { registry } = this.#parts;
    const user = registry.userOf(jti);
    const owner = registry.find(node);
    // Also for the machine that used it: after a later one has taken the name, it must not get it back.
    if (user !== undefined && (user !== publicKey || owner?.publicKey !== publicKey)) {
      throw new RiverError(
        'Unauthorized',
        'the join token has been used: each is good for one machine; get another with river token create --node NAME',
      );
    }
    if (owner === undefined || owner.publicKey === publicKey || replace) return;
    throw new RiverError(
      'AlreadyExists',
      `the name ${node} belongs to a machine that joined at ${owner.joinedAt}: choose another name, or let this one take it with a token of river token create --node ${node} --replace`,
    );
  }
}

/** What a certificate that this host has signed says. */
export interface CertifiedKey {
  node: string;
  /** SPKI in DER, base64. */
  publicKey: string;
}

export function keyOfCertificate(certificate: X509Certificate): CertifiedKey {
  const node = /^CN=(.+)$/m.exec(certificate.subject)?.[1] ?? '';
  return { node, publicKey: encoded(certificate.publicKey) };
}

/** Raises `Unauthorized` when the name belongs to another key by now. */
export function checkRegistered(registry: NodeRegistry, { node, publicKey }: CertifiedKey): void {
  if (registry.find(node)?.publicKey === publicKey) return;
  throw new RiverError(
    'Unauthorized',
    `this key is not the one of node ${node} any more: join the machine again with river-runner join`,
  );
}

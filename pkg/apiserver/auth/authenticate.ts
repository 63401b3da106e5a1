import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { Identity } from '../../api/index.ts';
import { type Clock, RiverError } from '../../base/index.ts';
import {
  type CertifiedKey,
  checkRegistered,
  keyOfCertificate,
  type NodeRegistry,
} from '../../identity/index.ts';
import { verifyToken } from './tokens.ts';

/** What a request shows of who it is from. */
export interface Caller {
  /** The header. */
  authorization: string | undefined;
  socket: Socket;
}

/** Who a request is from. Raises `Unauthorized`. */
export type Authenticate = (caller: Caller) => Identity;

export interface AuthenticationParts {
  /** Signs tokens. */
  key: Uint8Array;
  clock: Clock;
  /** Whose key each node's name is. */
  registry: NodeRegistry;
}

/** People by a bearer token, nodes by the certificate of their connection. */
export function authentication({ key, clock, registry }: AuthenticationParts): Authenticate {
  const known = new Map<Socket, CertifiedKey>();
  registry.onChange((name) => {
    // What is under way on it too: a watch would go on showing what is bound there.
    for (const [socket, { node, publicKey }] of known)
      if (node === name && registry.find(name)?.publicKey !== publicKey) socket.destroy();
  });
  return ({ authorization, socket }) => {
    if (authorization !== undefined) return verifyToken(key, bearerToken(authorization), clock.now());
    const certified = known.get(socket) ?? certifiedKey(socket);
    if (certified === undefined) throw missing();
    if (!known.has(socket)) socket.once('close', () => known.delete(socket));
    known.set(socket, certified);
    // At every request: another machine may have taken the name while this connection was open.
    checkRegistered(registry, certified);
    return { role: 'node', name: certified.node };
  };
}

function bearerToken(authorization: string): string {
  const token = /^Bearer +(\S+)$/i.exec(authorization)?.[1];
  if (token === undefined) throw missing();
  return token;
}

function missing(): RiverError {
  return new RiverError(
    'Unauthorized',
    'a bearer token is required: the river command takes it from ~/.river/config; a machine gets its certificate by river-runner join',
  );
}

function certifiedKey(socket: Socket): CertifiedKey | undefined {
  const certificate = socket instanceof TLSSocket ? socket.getPeerX509Certificate() : undefined;
  if (certificate === undefined) return undefined;
  if ((socket as TLSSocket).authorized) return keyOfCertificate(certificate);
  throw new RiverError(
    'Unauthorized',
    "the certificate of this machine is not one of this host's: join it with river-runner join",
  );
}

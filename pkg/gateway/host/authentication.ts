import type { AuthContext, Connection } from 'ssh2';
import type { Logger } from '../../base/index.ts';
import { parseSshKey } from '../keys.ts';
import { nodeOfUser } from '../protocol.ts';

/** Tries with a wrong key, until the connection is closed. */
const tries = 3;

export interface NodeProof {
  node: string;
  /** The key that it has shown to have. */
  publicKey: string;
}

export interface AuthenticationOptions {
  /** Address of who connects. */
  peer: string;
  /** Key of a node as the API knows it; undefined for a node that is not there or has none. */
  keyOf: (node: string) => string | undefined;
  logger: Logger;
  accepted: (proof: NodeProof) => void;
}

/** Lets in who proves to have the key of the node that it says it is. Each refusal is logged with who and why. */
export function authenticateNode(connection: Connection, options: AuthenticationOptions): void {
  const { peer, keyOf, logger, accepted } = options;
  let refused = 0;
  connection.on('authentication', (context) => {
    // How ssh asks which methods there are.
    if (context.method === 'none') return context.reject(['publickey']);
    const verdict = judge(context, keyOf);
    if (verdict.proof) accepted(verdict.proof);
    if (verdict.reason === undefined) return context.accept();
    const user = context.username.slice(0, 300);
    logger.warn('a connection to the gateway was refused', { peer, user, reason: verdict.reason });
    refused += 1;
    context.reject(['publickey']);
    if (refused >= tries) connection.end();
  });
}

interface Verdict {
  /** Why not; undefined: it may go on. */
  reason?: string;
  /** There when nothing more is to be shown. */
  proof?: NodeProof;
}

function judge(context: AuthContext, keyOf: AuthenticationOptions['keyOf']): Verdict {
  const node = nodeOfUser(context.username);
  if (node === undefined) return { reason: 'it gives no name of a node' };
  if (context.method !== 'publickey') return { reason: 'it tries something else than a key' };
  const publicKey = keyOf(node);
  if (publicKey === undefined) return { reason: 'no key of this node is known' };
  const key = parseSshKey(publicKey);
  if (!key?.getPublicSSH().equals(context.key.data)) return { reason: 'it is not the key of this node' };
  // First it asks whether this key would do, then it signs.
  if (context.signature === undefined || context.blob === undefined) return {};
  if (key.verify(context.blob, context.signature, context.hashAlgo) !== true)
    return { reason: 'the signature is wrong' };
  return { proof: { node, publicKey } };
}

import { join } from 'node:path';
import { errorMessage, RiverError } from '../base/index.ts';
import { readPrivateFile, writePrivateFile } from './private-file.ts';

export interface RegisteredNode {
  /** Ed25519, SPKI in DER, base64: whoever holds the private key is this node. */
  publicKey: string;
  /** RFC 3339. */
  joinedAt: string;
}

interface UsedToken {
  publicKey: string;
  /** Milliseconds since the epoch: afterwards the token's own end refuses it. */
  until: number;
}

interface Contents {
  nodes: Record<string, RegisteredNode>;
  used: Record<string, UsedToken>;
}

/** Which key each name belongs to, and which join tokens were used: `nodes.json`, one write for both. */
export class NodeRegistry {
  readonly #file: string;
  #contents: Contents;

  constructor(directory: string) {
    this.#file = join(directory, 'nodes.json');
    this.#contents = readContents(this.#file);
  }

  find(name: string): RegisteredNode | undefined {
    return Object.hasOwn(this.#contents.nodes, name) ? this.#contents.nodes[name] : undefined;
  }

  /** The key that has used a token; undefined when none has. */
  userOf(tokenId: string): string | undefined {
    return Object.hasOwn(this.#contents.used, tokenId) ? this.#contents.used[tokenId]?.publicKey : undefined;
  }

  /** The name belongs to the key from now on, and the token is used; durable when it returns. */
  register(name: string, node: RegisteredNode, token: { id: string; until: number }, now: number): void {
    const { nodes, used } = this.#contents;
    const current = Object.entries(used).filter(([, { until }]) => until > now);
    const next: Contents = {
      nodes: { ...nodes, [name]: node },
      used: {
        ...Object.fromEntries(current),
        [token.id]: { publicKey: node.publicKey, until: token.until },
      },
    };
    writePrivateFile(this.#file, `${JSON.stringify(next, null, 2)}\n`);
    this.#contents = next;
  }
}

function readContents(file: string): Contents {
  const text = readPrivateFile(file);
  if (text === undefined) return { nodes: {}, used: {} };
  try {
    const { nodes, used } = JSON.parse(text) as Partial<Contents>;
    return { nodes: { ...nodes }, used: { ...used } };
  } catch (error) {
    throw new RiverError(
      'InternalError',
      `${file} is damaged (${errorMessage(error)}): put it back from a copy, or remove it and join every machine anew`,
    );
  }
}

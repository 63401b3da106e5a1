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
  /** Names that were taken from their machine, until another one joins: RFC 3339. */
  revoked: Record<string, string>;
}

/** Which key each name belongs to, and which join tokens were used: `nodes.json`, one write for both. */
export class NodeRegistry {
  readonly #file: string;
  readonly #listeners: ((name: string) => void)[] = [];
  #contents: Contents;

  constructor(directory: string) {
    this.#file = join(directory, 'nodes.json');
    this.#contents = readContents(this.#file);
  }

  find(name: string): RegisteredNode | undefined {
    return Object.hasOwn(this.#contents.nodes, name) ? this.#contents.nodes[name] : undefined;
  }

  isRevoked(name: string): boolean {
    return Object.hasOwn(this.#contents.revoked, name);
  }

  /** Called when the name belongs to another key than before, or to none, and that is durable. */
  onChange(listener: (name: string) => void): void {
    this.#listeners.push(listener);
  }

  /** The key that has used a token; undefined when none has. */
  userOf(tokenId: string): string | undefined {
    return Object.hasOwn(this.#contents.used, tokenId) ? this.#contents.used[tokenId]?.publicKey : undefined;
  }

  /** The name belongs to the key from now on, and the token is used; durable when it returns. */
  register(name: string, node: RegisteredNode, token: { id: string; until: number }, now: number): void {
    const { nodes, used, revoked } = this.#contents;
    const current = Object.entries(used).filter(([, { until }]) => until > now);
    const { [name]: _again, ...stillRevoked } = revoked;
    this.#write(name, {
      nodes: { ...nodes, [name]: node },
      used: {
        ...Object.fromEntries(current),
        [token.id]: { publicKey: node.publicKey, until: token.until },
      },
      revoked: stillRevoked,
    });
  }

  /** The name belongs to nobody from now on; durable when it returns. Whose it was, or undefined. */
  revoke(name: string, revokedAt: string): RegisteredNode | undefined {
    const before = this.find(name);
    if (before === undefined) return undefined;
    const { nodes, revoked } = this.#contents;
    const { [name]: _gone, ...others } = nodes;
    this.#write(name, { ...this.#contents, nodes: others, revoked: { ...revoked, [name]: revokedAt } });
    return before;
  }

  #write(name: string, next: Contents): void {
    writePrivateFile(this.#file, `${JSON.stringify(next, null, 2)}\n`);
    this.#contents = next;
    for (const listener of this.#listeners) listener(name);
  }
}

function readContents(file: string): Contents {
  const text = readPrivateFile(file);
  if (text === undefined) return { nodes: {}, used: {}, revoked: {} };
  try {
    const { nodes, used, revoked } = JSON.parse(text) as Partial<Contents>;
    return { nodes: { ...nodes }, used: { ...used }, revoked: { ...revoked } };
  } catch (error) {
    throw new RiverError(
      'InternalError',
      `${file} is damaged (${errorMessage(error)}): put it back from a copy, or remove it and join every machine anew`,
    );
  }
}

import type { Node } from '../../api/index.ts';
import { RiverError } from '../../base/index.ts';
import { conflict } from './refusals.ts';
import type { WriteSession } from './session.ts';

/**
 * The key of a node is written by that node alone, and stays for as long as its session: a runner that starts anew may
 * bring another one, because it takes the node over by that same write. Raises `Forbidden` and `Conflict`.
 */
export function checkNodeKey({ identity, metrics }: WriteSession, old: Node, next: Node): void {
  const name = old.metadata.name ?? '';
  const before = old.status?.sshKey;
  if (before === next.status?.sshKey) return;
  if (identity.role !== 'node') {
    const message = `${identity.role} ${identity.name} may not change the key of node ${name}: its runner writes it`;
    throw new RiverError('Forbidden', message, { kind: 'nodes', name });
  }
  if (before === undefined || old.status?.session !== next.status?.session) return;
  metrics.refused('conflict');
  throw conflict('Node', name, 'the key of a node stays for as long as its session does');
}

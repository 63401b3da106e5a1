import {
  type Condition,
  getCondition,
  type Node,
  versionSkew,
  versionSkewType,
  withVersionSkew,
} from '../../api/index.ts';
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

/**
 * A person may fence a node that is not Ready, and only that: one that is alive would go on with what then runs
 * elsewhere too. Only the node controller lifts a fence, once the runner has cleaned up for it. Raises `Forbidden` and
 * `Conflict`.
 */
export function checkNodeFence({ identity, metrics }: WriteSession, old: Node | undefined, next: Node): void {
  const before = old?.spec?.fencedAt;
  const after = next.spec?.fencedAt;
  if (before === after) return;
  const name = next.metadata.name ?? '';
  const refuse = (why: string) => {
    metrics.refused('fence');
    return conflict('Node', name, why);
  };
  if (after === undefined) {
    const isClean = old?.status?.cleanedUpFor === before;
    if (identity.role === 'controller' && identity.name === 'node' && isClean) return;
    throw refuse(
      'its fence goes when its runner has come back and cleaned up; nobody can take it off before',
    );
  }
  if (identity.role !== 'admin') {
    const message = `${identity.role} ${identity.name} may not fence node ${name}: only a person can say that a machine is dead`;
    throw new RiverError('Forbidden', message, { kind: 'nodes', name });
  }
  if (before !== undefined) throw refuse('is fenced already');
  if (old === undefined) throw refuse('has never reported: there is nothing to fence');
  if (isAlive(old))
    throw refuse(
      `is alive: river drain ${name} stops what runs there; fence it when it is not Ready any more`,
    );
}

/** A runner of another version keeps its lease; it shows as not Ready so that nothing new comes. */
function isAlive({ status }: Node): boolean {
  const ready = getCondition(status?.conditions, 'Ready');
  return ready?.status === 'True' || ready?.reason === versionSkewType;
}

/** The host is the judge: a runner that is too old to know of version skew would always say Ready. */
export function judgedConditions(
  { options, now }: WriteSession,
  old: Node,
  status: Node['status'],
): Condition[] | undefined {
  // What is no list is refused by the schema.
  if (status?.conditions !== undefined && !Array.isArray(status.conditions)) return status.conditions;
  const skew = versionSkew(status?.versions?.river, options.version);
  return withVersionSkew(status?.conditions, old.status?.conditions, skew, now);
}

import {
  type ApiObject,
  checkRunTransition,
  isActive,
  type Node,
  type Run,
  type RunPhase,
} from '../../api/index.ts';
import { RiverError } from '../../base/index.ts';
import { deepEqual } from '../managed-fields/index.ts';
import { conflict, invalidField } from './refusals.ts';
import type { WriteSession } from './session.ts';

export function checkInitialRun(session: WriteSession, object: ApiObject): void {
  const run = object as Run;
  const name = run.metadata.name ?? '';
  if (run.spec.placement) throw invalidField('Run', name, 'spec.placement', 'is written by the binding only');
  const refusal = checkRunTransition({
    from: undefined,
    to: 'Pending',
    identity: session.identity,
    runNode: undefined,
  });
  if (refusal) throw new RiverError('Forbidden', refusal);
}

/** A Run is one execution of one description: only what is wanted of it may change. */
export function checkRunSpec({ identity }: WriteSession, old: ApiObject, next: ApiObject): void {
  const before = (old as Run).spec;
  const after = (next as Run).spec;
  for (const field of new Set([...Object.keys(before), ...Object.keys(after)]) as Set<keyof Run['spec']>) {
    if (deepEqual(before[field], after[field])) continue;
    const name = old.metadata.name ?? '';
    const evicts = field === 'evicted' && after.evicted === true && after.desired === 'Stopped';
    if (field !== 'desired' && !(evicts && identity.name === 'node'))
      throw invalidField('Run', name, `spec.${field}`, 'cannot change once the run is made');
    // Whoever tries it has not seen the order yet.
    if (before.desired === 'Stopped') throw conflict('Run', name, 'it was told to stop');
  }
}

/** The Run table and the session, on every write of a Run's status. Raises `Conflict`, counted. */
export function checkRunStatus(session: WriteSession, old: Run, next: Run, reportedSession: unknown): void {
  const from: RunPhase = old.status?.phase ?? 'Pending';
  const to: RunPhase = next.status?.phase ?? from;
  const name = old.metadata.name ?? '';
  const runNode = old.spec.placement?.node;
  const refusal = checkRunTransition({ from, to, identity: session.identity, runNode });
  if (refusal) {
    session.metrics.refused('transition');
    throw conflict('Run', name, refusal);
  }
  const node = session.transaction.get('Node', '', runNode ?? '')?.object as Node | undefined;
  checkFence(session, node, old, next);
  if (session.identity.role !== 'node') return;
  const current = node?.status?.session;
  if (current !== undefined && reportedSession === current) return;
  session.metrics.refused('session');
  throw conflict('Run', name, `this report is not from the current session of node ${session.identity.name}`);
}

/**
 * From the moment that a person has fenced the node only the node controller decides how its Runs end: its runner, back
 * at the same time, may still say that nothing is left of those that have ended. Raises `Conflict`, counted.
 */
function checkFence({ identity, metrics }: WriteSession, node: Node | undefined, old: Run, next: Run): void {
  const isFenced = node?.spec?.fencedAt !== undefined;
  const name = old.metadata.name ?? '';
  if (identity.role === 'node') {
    if (!isFenced || !isActive(old.status?.phase ?? 'Pending')) return;
    metrics.refused('fence');
    throw conflict('Run', name, `node ${identity.name} is fenced: its runs fail, whatever became of them`);
  }
  if (next.status?.phase !== 'Failed' || old.status?.phase === 'Failed') return;
  if (isFenced && next.status.reason === 'Fenced') return;
  metrics.refused('fence');
  throw conflict('Run', name, 'only its runner knows how it ended, unless a person has fenced its node');
}

/** With the time of its end, which only the host says: clocks of nodes may show anything. */
export function endMarked({ now }: WriteSession, old: Run, next: Run): Run {
  const { endedAt: _said, ...status } = next.status ?? { phase: 'Pending' as const };
  if (isActive(status.phase)) return next.status?.endedAt === undefined ? next : { ...next, status };
  const had = isActive(old.status?.phase ?? 'Pending') ? now : old.status?.endedAt;
  return { ...next, status: { ...status, ...(had === undefined ? {} : { endedAt: had }) } };
}

/** What the runner of its node has refused is free again, for another node. */
export function releasedWhenRefused(old: Run, next: Run): Run {
  if (next.status?.phase !== 'Pending' || !old.spec.placement) return next;
  const { placement: _placement, ...spec } = next.spec;
  const { session: _session, ...status } = next.status;
  return { ...next, spec, status };
}

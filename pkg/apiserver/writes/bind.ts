import {
  type Environment,
  environmentObstacle,
  type Node,
  type Placement,
  type Run,
  setCondition,
} from '../../api/index.ts';
import type { Binding } from '../../client/index.ts';
import { type Assignment, fits, isPlain, nothingHeld, runNeed } from '../../placement/index.ts';
import { authorize } from '../authorize.ts';
import type { ChargeReader } from './charges.ts';
import { judgedConditions } from './node-rules.ts';
import { checkPreconditions } from './preconditions.ts';
import { conflict, invalidField } from './refusals.ts';
import type { WriteSession, Written } from './session.ts';

/** `POST runs/NAME/binding`: Pending → Scheduled, if it fits on that node at this very moment. */
export function bindRun(
  session: WriteSession,
  charges: ChargeReader,
  namespace: string,
  name: string,
  binding: Binding,
): Written {
  authorize(session.identity, 'bind', 'Run');
  session.refuseMore();
  if (typeof binding.node !== 'string' || binding.node === '')
    throw invalidField('Run', name, 'node', 'is required');
  const record = session.load('Run', namespace, name);
  checkPreconditions(session, record, { uid: binding.uid });
  const run = record.object as Run;
  const obstacle = bindingObstacle(run);
  if (obstacle) {
    session.metrics.refused('binding');
    throw conflict('Run', name, obstacle);
  }
  const assignment = assignmentOn(session, charges, run, binding.node);
  const environment = environmentOf(session, run);
  const placement = { node: binding.node, ...assignment, ...(environment ? { environment } : {}) };
  return session.replace(record, bound(run, placement, session.now));
}

function bindingObstacle(run: Run): string | undefined {
  const phase = run.status?.phase ?? 'Pending';
  if (run.spec.placement || phase !== 'Pending') return `is not waiting for a node (${phase})`;
  if (run.metadata.deletionTimestamp) return 'is being deleted';
  return run.spec.desired === 'Running' ? undefined : `is wanted ${run.spec.desired.toLowerCase()}`;
}

/** What the Run is given there at this very moment. Raises `Conflict` with every reason against it. */
function assignmentOn(session: WriteSession, charges: ChargeReader, run: Run, nodeName: string): Assignment {
  const refuse = (reasons: string) => {
    session.metrics.refused('fit');
    return conflict('Run', run.metadata.name ?? '', `does not fit on node ${nodeName}: ${reasons}`);
  };
  const stored = session.transaction.get('Node', '', nodeName)?.object as Node | undefined;
  if (!stored) throw refuse('there is no such node');
  // Written by a host of another version, it may show as Ready what is too far from this one.
  const conditions = judgedConditions(session, stored, stored.status);
  // Most often nothing is judged otherwise; what placement has read of the stored object then counts again.
  const isAsStored = conditions === stored.status?.conditions;
  const node = isAsStored ? stored : { ...stored, status: { ...stored.status, conditions } };
  const need = runNeed(run);
  // What asks for nothing fits beside anything: no need to add up the others.
  const asksNothing = need.milliCores === 0 && need.memoryBytes === 0 && isPlain(need);
  const held = asksNothing
    ? nothingHeld
    : charges.chargedOn(session.transaction, nodeName, session.options.store.version());
  const verdict = fits(need, node, held);
  if (!verdict.fits) throw refuse(verdict.reasons.join('; '));
  return verdict.assignment;
}

/** The digest of this moment: the Run keeps it for ever. */
function environmentOf(session: WriteSession, run: Run): { name: string; digest: string } | undefined {
  const name = run.spec.environment;
  if (name === undefined) return undefined;
  const environment = session.transaction.get('Environment', '', name)?.object as Environment | undefined;
  const digest = environment?.status?.digest;
  if (digest !== undefined && !environment?.metadata.deletionTimestamp) return { name, digest };
  session.metrics.refused('binding');
  throw conflict('Run', run.metadata.name ?? '', environmentObstacle(name, environment)?.message ?? '');
}

function bound(run: Run, placement: Placement, now: string): Run {
  const condition = {
    type: 'Scheduled',
    status: 'True',
    reason: 'Bound',
    message: `bound to node ${placement.node}`,
  } as const;
  const conditions = setCondition(run.status?.conditions, condition, now);
  return {
    ...run,
    spec: { ...run.spec, placement },
    status: { ...run.status, phase: 'Scheduled', conditions },
  };
}

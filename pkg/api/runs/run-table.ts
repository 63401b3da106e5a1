import type { Identity } from '../objects.ts';
import type { RunStatus } from '../types.gen.ts';

export type RunPhase = RunStatus['phase'];

export const runPhases: readonly RunPhase[] = [
  'Pending',
  'Scheduled',
  'Preparing',
  'Starting',
  'Running',
  'Paused',
  'Succeeded',
  'Failed',
  'Stopped',
  'Lost',
];

const terminal: readonly RunPhase[] = ['Succeeded', 'Failed', 'Stopped'];
/** What a runner reports on the way to the end, in the order in which it happens. */
const progress: readonly RunPhase[] = ['Scheduled', 'Preparing', 'Starting', 'Running'];

/** Ended for good: nothing moves it any more. */
export function isTerminal(phase: RunPhase): boolean {
  return terminal.includes(phase);
}

/** Not ended: it runs, may run, or may still be running where nobody sees it (Lost). */
export function isActive(phase: RunPhase): boolean {
  return !isTerminal(phase);
}

/** Active and on a node: what it was given there is charged to that node, also while it is Lost. */
export function isBound(phase: RunPhase): boolean {
  return progress.includes(phase) || phase === 'Paused' || phase === 'Lost';
}

export interface RunTransition {
  /** Undefined: the Run is made. */
  from: RunPhase | undefined;
  /** The same as `from`: a write of status that leaves the phase. */
  to: RunPhase;
  identity: Identity;
  /** `spec.placement.node` before the write. */
  runNode: string | undefined;
}

type Owner = 'task controller' | 'node controller' | 'scheduler' | "runner of the Run's node";

/** Who may leave the phase and write the rest of status: the scheduler's verdict, the runner's TornDown. */
function ownersOfSame(phase: RunPhase): Owner[] {
  if (phase === 'Pending') return ['task controller', 'scheduler'];
  if (phase === 'Lost') return ["runner of the Run's node", 'node controller'];
  return ["runner of the Run's node"];
}

/** The table of architecture.md, one line a row. A runner may skip states forward in one write. */
function ownersOf(from: RunPhase | undefined, to: RunPhase): Owner[] {
  if (from === undefined) return to === 'Pending' ? ['task controller'] : [];
  if (from === to) return ownersOfSame(from);
  if (from === 'Pending' && to === 'Scheduled') return ['scheduler'];
  if (from === 'Pending' && to === 'Stopped') return ['task controller'];
  if (from === 'Scheduled' && to === 'Pending') return ["runner of the Run's node"];
  if (from === 'Lost') return ownersAfterLost(to);
  if (!isBound(from)) return [];
  if (to === 'Lost') return ['node controller'];
  if (from === 'Paused') return to === 'Running' || isTerminal(to) ? ["runner of the Run's node"] : [];
  if (to === 'Paused') return from === 'Running' ? ["runner of the Run's node"] : [];
  if (isTerminal(to) || progress.indexOf(to) > progress.indexOf(from)) return ["runner of the Run's node"];
  return [];
}

/** That a person has fenced the node, and that this is the reason, is checked beside the table. */
function ownersAfterLost(to: RunPhase): Owner[] {
  if (to === 'Failed') return ["runner of the Run's node", 'node controller'];
  return to === 'Running' || isTerminal(to) ? ["runner of the Run's node"] : [];
}

function isOwner(identity: Identity, owner: Owner, runNode: string | undefined): boolean {
  if (identity.role === 'node') return owner === "runner of the Run's node" && identity.name === runNode;
  if (identity.role !== 'controller') return false;
  return owner === identity.name || owner === `${identity.name} controller`;
}

/**
 * Whether this identity may move a Run so; the sentence of the refusal if not. The API asks it before every write
 * of a Run's phase. The session and the uid of the reporter are checked beside it.
 */
export function checkRunTransition({ from, to, identity, runNode }: RunTransition): string | undefined {
  const owners = ownersOf(from, to);
  if (owners.some((owner) => isOwner(identity, owner, runNode))) return undefined;
  const step = from === undefined ? `be made as ${to}` : `go from ${from} to ${to}`;
  if (owners.length === 0) return `a Run cannot ${step}`;
  return `only the ${owners.join(' or the ')} may let a Run ${step}, not ${identity.role} ${identity.name}`;
}

import type { Node } from '../api/index.ts';
import { coresRefusal, memoryRefusal } from './amounts.ts';
import { assign } from './assign/assign.ts';
import { type Assignment, type Held, nothingHeld } from './charges.ts';
import { gateRefusal, suitabilityRefusals } from './gates.ts';
import type { Need } from './need.ts';
import type { Refusal, RefusalCode } from './refusal.ts';

export type Verdict =
  | { fits: true; assignment: Assignment }
  | { fits: false; reasons: string[]; codes: RefusalCode[] };

/**
 * Whether a Run may be bound to a node on which `held` is taken already, and what it is given there. Pure: the
 * scheduler asks it with its snapshot, the API asks it again inside the binding transaction. What makes every other
 * reason moot (another target, not Ready) is answered alone.
 */
export function fits(need: Need, node: Node, held: Held): Verdict {
  const gate = gateRefusal(need, node);
  if (gate) return refused([gate]);
  const refusals = [...suitabilityRefusals(need, node), ...amountRefusals(need, node, held)];
  const lacksCores = refusals.some(({ code }) => code === 'Cores');
  const assigned = assign(need, node, held);
  if ('assignment' in assigned)
    return refusals.length === 0 ? { fits: true, assignment: assigned.assignment } : refused(refusals);
  // That there are too few CPUs to pin says nothing new where there are too few cores.
  const more = assigned.refusals.filter(({ code }) => !(lacksCores && code === 'Pin'));
  return refused([...refusals, ...more]);
}

/** What the node could not give even with nothing on it. Whether it is Ready, its taints and its labels are not looked at. */
export function lacks(need: Need, node: Node): Refusal[] {
  const amounts = amountRefusals(need, node, nothingHeld);
  const assigned = assign(need, node, nothingHeld);
  return 'refusals' in assigned ? [...amounts, ...assigned.refusals] : amounts;
}

function refused(refusals: readonly Refusal[]): Verdict {
  return {
    fits: false,
    reasons: refusals.map((refusal) => refusal.reason),
    codes: refusals.map((refusal) => refusal.code),
  };
}

function amountRefusals(need: Need, node: Node, held: Held): Refusal[] {
  const total = allocatable(node);
  const refusals = [
    coresRefusal(need.milliCores, total.milliCores, held.milliCores),
    memoryRefusal(need.memoryBytes, total.memoryBytes, held.memoryBytes),
  ];
  return refusals.filter((refusal) => refusal !== undefined);
}

/** What a node has for Runs; nothing before its first report. */
export function allocatable(node: Node): { milliCores: number; memoryBytes: number } {
  const { cores, memory } = node.status?.allocatable ?? { cores: 0, memory: 0 };
  return { milliCores: Math.round(cores * 1000), memoryBytes: memory };
}

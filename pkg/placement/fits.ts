import { formatBytes, formatCores, formatQuantity, type Node } from '../api/index.ts';
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
  const refusals: Refusal[] = [];
  const total = allocatable(node);
  // A need of nothing always has room, also on a node that has become smaller than what is charged to it.
  if (need.milliCores > 0 && held.milliCores + need.milliCores > total.milliCores) {
    refusals.push(coresRefusal(need.milliCores, total.milliCores, held.milliCores));
  }
  if (need.memoryBytes > 0 && held.memoryBytes + need.memoryBytes > total.memoryBytes) {
    refusals.push(memoryRefusal(need.memoryBytes, total.memoryBytes, held.memoryBytes));
  }
  return refusals;
}

/** What a node has for Runs; nothing before its first report. */
export function allocatable(node: Node): { milliCores: number; memoryBytes: number } {
  const { cores, memory } = node.status?.allocatable ?? { cores: 0, memory: 0 };
  return { milliCores: Math.round(cores * 1000), memoryBytes: memory };
}

function coresRefusal(need: number, total: number, charged: number): Refusal {
  const wanted = formatCores(need);
  if (need > total) return { code: 'Cores', reason: `has ${formatCores(total)} cores, needs ${wanted}` };
  const free = formatCores(Math.max(0, total - charged));
  return { code: 'Cores', reason: `${free} of ${formatCores(total)} cores free, needs ${wanted}` };
}

function memoryRefusal(need: number, total: number, charged: number): Refusal {
  const wanted = formatMemory(need);
  if (need > total) return { code: 'Memory', reason: `has ${formatMemory(total)} memory, needs ${wanted}` };
  const free = formatMemory(Math.max(0, total - charged));
  return { code: 'Memory', reason: `${free} of ${formatMemory(total)} memory free, needs ${wanted}` };
}

/** As the user has written it when that is short, else rounded. */
function formatMemory(bytes: number): string {
  const exact = formatQuantity(bytes);
  return exact.length <= 6 ? exact : formatBytes(bytes);
}

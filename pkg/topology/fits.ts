import { formatBytes, formatCores, formatQuantity, getCondition, type Node } from '../api/index.ts';
import type { Charge, Need } from './charges.ts';

/** Which rule refuses; unlike the sentence it does not change with every number. */
export type RefusalCode =
  | 'Target'
  | 'Deleting'
  | 'NotReady'
  | 'Fenced'
  | 'Unschedulable'
  | 'Pressure'
  | 'Avoided'
  | 'Selector'
  | 'Runtime'
  | 'Cores'
  | 'Memory';

export interface Refusal {
  code: RefusalCode;
  /** For people, short: `4 of 8 cores free, needs 6`. */
  reason: string;
}

export type Verdict = { fits: true } | { fits: false; reasons: string[]; codes: RefusalCode[] };

/**
 * Whether a Run may be bound to a node on which `charged` is taken already. Pure: the scheduler asks it with its
 * snapshot, the API asks it again inside the binding transaction. What makes every other reason moot (another
 * target, not Ready) is answered alone.
 */
export function fits(need: Need, node: Node, charged: Readonly<Charge>): Verdict {
  const gate = gateRefusal(need, node);
  const refusals = gate ? [gate] : roomRefusals(need, node, charged);
  if (refusals.length === 0) return { fits: true };
  return {
    fits: false,
    reasons: refusals.map((refusal) => refusal.reason),
    codes: refusals.map((refusal) => refusal.code),
  };
}

/** Conditions of a Node with which nothing new comes: a run would fail there, or lose its output. */
const pressures = ['DiskPressure', 'LogVolumePressure'];

function gateRefusal(need: Need, node: Node): Refusal | undefined {
  const name = node.metadata.name ?? '';
  if (need.target !== undefined && need.target !== name) {
    return { code: 'Target', reason: `not the target ${need.target}` };
  }
  if (node.metadata.deletionTimestamp) return { code: 'Deleting', reason: 'being deleted' };
  if (node.spec?.fencedAt !== undefined) {
    return { code: 'Fenced', reason: 'fenced, until its runner is back and has cleaned up' };
  }
  const ready = getCondition(node.status?.conditions, 'Ready');
  if (ready?.status !== 'True') {
    return { code: 'NotReady', reason: `not Ready (${ready?.reason ?? 'NeverReported'})` };
  }
  if (node.spec?.drain) return { code: 'Unschedulable', reason: 'drained, until river uncordon' };
  if (node.spec?.unschedulable) return { code: 'Unschedulable', reason: 'unschedulable (cordoned)' };
  const pressure = pressures
    .map((type) => getCondition(node.status?.conditions, type))
    .find((condition) => condition?.status === 'True');
  if (pressure) return { code: 'Pressure', reason: `${pressure.type} (${pressure.reason})` };
  if (need.avoid.includes(name)) return { code: 'Avoided', reason: 'its runner has refused this run' };
  return undefined;
}

function roomRefusals(need: Need, node: Node, charged: Readonly<Charge>): Refusal[] {
  const refusals = selectorRefusals(need, node);
  const runtimes = node.status?.runtimes ?? [];
  if (!runtimes.includes(need.runtime)) {
    refusals.push({ code: 'Runtime', reason: `runtime ${need.runtime} is not available` });
  }
  const total = allocatable(node);
  // A need of nothing always has room, also on a node that has become smaller than what is charged to it.
  if (need.milliCores > 0 && charged.milliCores + need.milliCores > total.milliCores) {
    refusals.push({
      code: 'Cores',
      reason: coresReason(need.milliCores, total.milliCores, charged.milliCores),
    });
  }
  if (need.memoryBytes > 0 && charged.memoryBytes + need.memoryBytes > total.memoryBytes) {
    refusals.push({
      code: 'Memory',
      reason: memoryReason(need.memoryBytes, total.memoryBytes, charged.memoryBytes),
    });
  }
  return refusals;
}

/** What a node has for Runs; nothing before its first report. */
export function allocatable(node: Node): Charge {
  const { cores, memory } = node.status?.allocatable ?? { cores: 0, memory: 0 };
  return { milliCores: Math.round(cores * 1000), memoryBytes: memory };
}

function selectorRefusals(need: Need, node: Node): Refusal[] {
  const refusals: Refusal[] = [];
  for (const [key, wanted] of Object.entries(need.nodeSelector)) {
    const { labels = {} } = node.metadata;
    const has = Object.hasOwn(labels, key) ? labels[key] : undefined;
    if (has === wanted) continue;
    const found = has === undefined ? 'has no such label' : `has ${key}=${has}`;
    refusals.push({ code: 'Selector', reason: `needs label ${key}=${wanted}, ${found}` });
  }
  return refusals;
}

function coresReason(need: number, total: number, charged: number): string {
  const wanted = formatCores(need);
  if (need > total) return `has ${formatCores(total)} cores, needs ${wanted}`;
  return `${formatCores(Math.max(0, total - charged))} of ${formatCores(total)} cores free, needs ${wanted}`;
}

function memoryReason(need: number, total: number, charged: number): string {
  const wanted = formatMemory(need);
  if (need > total) return `has ${formatMemory(total)} memory, needs ${wanted}`;
  return `${formatMemory(Math.max(0, total - charged))} of ${formatMemory(total)} memory free, needs ${wanted}`;
}

/** As the user has written it when that is short, else rounded. */
function formatMemory(bytes: number): string {
  const exact = formatQuantity(bytes);
  return exact.length <= 6 ? exact : formatBytes(bytes);
}

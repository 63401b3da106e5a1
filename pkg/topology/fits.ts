import type { Charge, Need } from './charges.ts';

/** The parts of a Node that placement looks at; every Node of `pkg/api` has this shape. */
export interface NodeLike {
  metadata: { name?: string; labels?: Record<string, string>; deletionTimestamp?: string };
  spec?: { unschedulable?: boolean };
  status?: {
    conditions?: readonly { type: string; status: string; reason: string }[];
    allocatable?: { cores: number; memory: number };
    runtimes?: readonly string[];
  };
}

/** Which rule refuses; unlike the sentence it does not change with every number. */
export type RefusalCode =
  | 'Target'
  | 'Deleting'
  | 'NotReady'
  | 'Unschedulable'
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
export function fits(need: Need, node: NodeLike, charged: Readonly<Charge>): Verdict {
  const gate = gateRefusal(need, node);
  const refusals = gate ? [gate] : roomRefusals(need, node, charged);
  if (refusals.length === 0) return { fits: true };
  return {
    fits: false,
    reasons: refusals.map((refusal) => refusal.reason),
    codes: refusals.map((refusal) => refusal.code),
  };
}

function gateRefusal(need: Need, node: NodeLike): Refusal | undefined {
  const name = node.metadata.name ?? '';
  if (need.target !== undefined && need.target !== name) {
    return { code: 'Target', reason: `not the target ${need.target}` };
  }
  if (node.metadata.deletionTimestamp) return { code: 'Deleting', reason: 'being deleted' };
  const ready = node.status?.conditions?.find((condition) => condition.type === 'Ready');
  if (ready?.status !== 'True') {
    return { code: 'NotReady', reason: `not Ready (${ready?.reason ?? 'NeverReported'})` };
  }
  if (node.spec?.unschedulable) return { code: 'Unschedulable', reason: 'unschedulable (cordoned)' };
  if (need.avoid.includes(name)) return { code: 'Avoided', reason: 'its runner has refused this run' };
  return undefined;
}

function roomRefusals(need: Need, node: NodeLike, charged: Readonly<Charge>): Refusal[] {
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
export function allocatable(node: NodeLike): Charge {
  const { cores, memory } = node.status?.allocatable ?? { cores: 0, memory: 0 };
  return { milliCores: Math.round(cores * 1000), memoryBytes: memory };
}

function selectorRefusals(need: Need, node: NodeLike): Refusal[] {
  const refusals: Refusal[] = [];
  for (const [key, wanted] of Object.entries(need.nodeSelector)) {
    const has = node.metadata.labels?.[key];
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

function formatCores(milliCores: number): string {
  return String(milliCores / 1000);
}

const binaryUnits = [
  ['Ti', 2 ** 40],
  ['Gi', 2 ** 30],
  ['Mi', 2 ** 20],
] as const;

const decimalUnits = [
  ['T', 1e12],
  ['G', 1e9],
  ['M', 1e6],
] as const;

/** As the user is likely to have written it when that is exact, else in decimal units, rounded down to a tenth. */
function formatMemory(bytes: number): string {
  for (const [unit, size] of [...decimalUnits, ...binaryUnits]) {
    if (bytes >= size && bytes % size === 0) return `${bytes / size}${unit}`;
  }
  for (const [unit, size] of decimalUnits) {
    if (bytes >= size) return `${Math.floor((bytes / size) * 10) / 10}${unit}`;
  }
  return `${bytes} bytes`;
}

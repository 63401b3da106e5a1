import { formatBytes, formatCores, type Node } from '../../api/index.ts';
import { formatCpuList } from '../../topology/index.ts';
import { pinRefusal } from '../amounts.ts';
import { type Assignment, type Held, nothingHeld } from '../charges.ts';
import { isPlain, type Need } from '../need.ts';
import { type NodeShape, shapeOf } from '../node-shape.ts';
import type { Refusal } from '../refusal.ts';
import { pickCpus, pinnable, sharedMilliCores } from './cpus.ts';
import { gpuRefusals, pickGpus } from './gpus.ts';
import { isWorse, type Mask, masksFor } from './masks.ts';
import { numaRefusals } from './numa-refusals.ts';

export type Assigned = { assignment: Assignment } | { refusals: Refusal[] };

/**
 * Chooses CPUs, a NUMA node and GPUs on a node whose amounts suffice. CPUs, memory and GPUs must each be found in the
 * same set of NUMA nodes; the smallest such set wins, and among those of one size the one that leaves least behind.
 * The same question always has the same answer.
 */
export function assign(need: Need, node: Node, held: Held): Assigned {
  if (isPlain(need)) return { assignment: {} };
  const shape = shapeOf(node);
  const known = need.target?.numa;
  if (known !== undefined && !shape.numa.some(({ id }) => id === known)) {
    const has = formatCpuList(shape.numa.map(({ id }) => id)) || 'none';
    return { refusals: [{ code: 'Numa', reason: `has no NUMA node ${known}; it has ${has}` }] };
  }
  const found = best(need, shape, held);
  return found ? { assignment: found } : { refusals: refusalsOf(need, shape, held) };
}

function best(need: Need, shape: NodeShape, held: Held): Assignment | undefined {
  let found: { mask: Mask; left: number; assignment: Assignment } | undefined;
  for (const mask of masksFor(need, shape)) {
    if (found && isWorse(mask, found.mask)) break;
    const assignment = assignmentIn(need, shape, held, mask);
    if (!assignment) continue;
    const left = mask.ids.reduce((sum, id) => sum + sharedMilliCores(shape, held, id), 0);
    if (!found || left < found.left) found = { mask, left, assignment };
  }
  return found?.assignment;
}

function assignmentIn(need: Need, shape: NodeShape, held: Held, mask: Mask): Assignment | undefined {
  const { ids, confines } = mask;
  const numa = confines ? shape.numa.find(({ id }) => id === ids[0]) : undefined;
  if (confines && !(numa && hasRoom(need, shape, held, numa))) return undefined;
  const isEverywhere = ids.length === shape.numa.length && !confines;
  const within = isEverywhere ? undefined : ids;
  const gpus = pickGpus(need, shape, held, within);
  if (!gpus) return undefined;
  const cpus = need.pin ? pickCpus(shape, held, within, need.milliCores / 1000) : undefined;
  if (need.pin && !cpus) return undefined;
  const shown = cpus ?? numa?.cpus;
  return {
    ...(shown && { cpus: formatCpuList(shown) }),
    ...(cpus && { pinned: true }),
    ...(numa && { numaNodes: [numa.id] }),
    ...(gpus.length > 0 && { gpus }),
  };
}

function hasRoom(need: Need, shape: NodeShape, held: Held, numa: NodeShape['numa'][number]): boolean {
  const memoryLeft = numa.memoryBytes - (held.numa.get(numa.id)?.memoryBytes ?? 0);
  if (need.memoryBytes > memoryLeft) return false;
  // Without a CPU nothing can run there, however little it asks for.
  if (numa.cpus.length === 0) return false;
  return need.pin || need.milliCores === 0 || need.milliCores <= sharedMilliCores(shape, held, numa.id);
}

function refusalsOf(need: Need, shape: NodeShape, held: Held): Refusal[] {
  const count = need.milliCores / 1000;
  const pin = need.pin ? pinRefusal(count, shape.cpus.length, pinnable(shape, held)) : undefined;
  const refusals = [...gpuRefusals(need, shape, held), ...(pin ? [pin] : [])];
  if (refusals.length > 0) return refusals;
  const id = need.target?.numa;
  return id === undefined ? [togetherRefusal(need, shape)] : numaRefusals(need, shape, held, id);
}

/** All is there, and not together. */
function togetherRefusal(need: Need, shape: NodeShape): Refusal {
  const parts = [
    ...(need.milliCores > 0 ? [`${formatCores(need.milliCores)} cores${need.pin ? ' to pin' : ''}`] : []),
    ...(need.memoryBytes > 0 ? [`${formatBytes(need.memoryBytes)} memory`] : []),
    ...(need.gpus ? [`${need.gpus.count} GPU`] : []),
  ];
  const free = best(need, shape, nothingHeld) ? ' free' : '';
  return { code: 'Numa', reason: `has no single NUMA node with ${parts.join(', ')}${free} together` };
}

import { formatBytes, formatCores, type Node } from '../../api/index.ts';
import { formatCpuList } from '../../topology/index.ts';
import { pinRefusal } from '../amounts.ts';
import { type Assignment, type Held, nothingHeld } from '../charges.ts';
import { isPlain, type Need } from '../need.ts';
import { type NodeShape, shapeOf } from '../node-shape.ts';
import type { Refusal } from '../refusal.ts';
import { pickCpus, pinnable, sharedMilliCores } from './cpus.ts';
import { gpuRefusals, pickGpus } from './gpus.ts';
import { type Mask, masksFor } from './masks.ts';
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

/** Whether its memory and cores must come from the NUMA node that is chosen. */
function isConfined(need: Need, mask: Mask): boolean {
  if (need.target?.numa !== undefined || need.numa === 'require') return true;
  return need.numa === 'prefer' && mask.length === 1;
}

/** `prefer` refuses nothing: one NUMA node may have less memory than its machine, and is the only set to look in. */
function best(need: Need, shape: NodeShape, held: Held): Assignment | undefined {
  const found = bestOfMasks(need, shape, held);
  if (found || need.numa !== 'prefer' || shape.numa.length !== 1) return found;
  return bestOfMasks({ ...need, numa: 'none' }, shape, held);
}

function bestOfMasks(need: Need, shape: NodeShape, held: Held): Assignment | undefined {
  let found: { size: number; left: number; assignment: Assignment } | undefined;
  for (const mask of masksFor(need, shape)) {
    if (found && mask.length > found.size) break;
    const assignment = assignmentIn(need, shape, held, mask);
    if (!assignment) continue;
    const left = mask.reduce((sum, id) => sum + sharedMilliCores(shape, held, id), 0);
    if (!found || left < found.left) found = { size: mask.length, left, assignment };
  }
  return found?.assignment;
}

function assignmentIn(need: Need, shape: NodeShape, held: Held, mask: Mask): Assignment | undefined {
  const confined = isConfined(need, mask);
  if (confined && !hasRoom(need, shape, held, mask)) return undefined;
  const everywhere = mask.length === shape.numa.length && !confined;
  const within = everywhere ? undefined : mask;
  const gpus = pickGpus(need, shape, held, within);
  if (!gpus) return undefined;
  const cpus = need.pin ? pickCpus(shape, held, within, need.milliCores / 1000) : undefined;
  if (need.pin && !cpus) return undefined;
  const numa = confined ? shape.numa.find(({ id }) => id === mask[0]) : undefined;
  const shown = cpus ?? numa?.cpus;
  return {
    ...(shown && { cpus: formatCpuList(shown) }),
    ...(cpus && { pinned: true }),
    ...(numa && { numaNodes: [numa.id] }),
    ...(gpus.length > 0 && { gpus }),
  };
}

function hasRoom(need: Need, shape: NodeShape, held: Held, [id]: Mask): boolean {
  const numa = shape.numa.find((each) => each.id === id);
  if (!numa) return false;
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

import { formatCores, formatQuantity, type Gpu } from '../../api/index.ts';
import { pinnable, sharedMilliCores } from '../assign/cpus.ts';
import type { Held } from '../charges.ts';
import { allocatable } from '../fits.ts';
import type { Need } from '../need.ts';
import { type NodeShape, shapeOf } from '../node-shape.ts';
import type { Edit } from './change.ts';
import type { NodeTaken } from './why.ts';

/** What is below this is of no use, and too little for a container. */
const leastMemory = 16 * 2 ** 20;
const mebibyte = 2 ** 20;

/** Less of an amount, down to what is free there. */
export function amountEdits(need: Need, { node, held }: NodeTaken): Edit[] {
  const shape = shapeOf(node);
  const total = allocatable(node);
  const places = confines(need, shape);
  const cores = [
    total.milliCores - held.milliCores,
    ...places.map(({ id }) =>
      need.pin ? pinnable(shape, held, id) * 1000 : sharedMilliCores(shape, held, id),
    ),
  ];
  const memory = [
    total.memoryBytes - held.memoryBytes,
    ...places.map(({ id, memoryBytes }) => memoryBytes - (held.numa.get(id)?.memoryBytes ?? 0)),
  ];
  return [
    ...distinct(cores.map((free) => lessCores(need, free))).map((each) => coresEdit(need, each)),
    ...distinct(memory.map((free) => lessMemory(need, free))).map((each) => memoryEdit(need, each)),
    ...gpuEdits(need, shape, held),
  ];
}

/** The NUMA nodes of which one has to have everything. */
function confines({ target, numa }: Need, shape: NodeShape): NodeShape['numa'] {
  if (target?.numa !== undefined) return shape.numa.filter(({ id }) => id === target.numa);
  return numa === 'require' ? shape.numa : [];
}

function distinct(amounts: readonly number[]): number[] {
  return [...new Set(amounts.filter((amount) => amount > 0))];
}

/** Whatever is left gives up less than half of it as much as nothing does. */
function costOf(amount: number, asked: number): number {
  return 0.5 + (1 - amount / asked) / 2;
}

function lessCores({ milliCores, pin }: Need, free: number): number {
  const less = Math.min(free, milliCores - 1);
  return pin ? Math.floor(less / 1000) * 1000 : less;
}

function coresEdit({ milliCores: asked }: Need, milliCores: number): Edit {
  return {
    field: 'spec.resources.cores',
    from: formatCores(asked),
    to: formatCores(milliCores),
    cost: costOf(milliCores, asked),
    apply: (before) => ({ ...before, milliCores }),
  };
}

function lessMemory({ memoryBytes }: Need, free: number): number {
  const less = Math.min(free, memoryBytes - 1);
  return less < leastMemory ? 0 : Math.floor(less / mebibyte) * mebibyte;
}

function memoryEdit({ memoryBytes: asked }: Need, memoryBytes: number): Edit {
  return {
    field: 'spec.resources.memory',
    from: formatQuantity(asked),
    to: formatQuantity(memoryBytes),
    cost: costOf(memoryBytes, asked),
    apply: (before) => ({ ...before, memoryBytes }),
  };
}

function gpuEdits({ gpus, target }: Need, shape: NodeShape, held: Held): Edit[] {
  if (!gpus) return [];
  const has = target?.gpus ? 0 : shape.gpus.length;
  const fewer = Array.from({ length: Math.min(gpus.count - 1, has) }, (_, index): Edit => {
    const count = index + 1;
    return {
      field: 'spec.resources.gpus',
      from: String(gpus.count),
      to: String(count),
      cost: costOf(count, gpus.count),
      apply: (before) => ({ ...before, gpus: { ...(before.gpus ?? gpus), count } }),
    };
  });
  const { memoryBytes: asked } = gpus;
  if (asked === undefined) return fewer;
  const sizes = shape.gpus.map((gpu) => Math.min(gpus.shared ? freeOf(gpu, held) : gpu.memory, asked - 1));
  const smaller = distinct(sizes.map((size) => Math.floor(size / mebibyte) * mebibyte)).map(
    (memoryBytes): Edit => ({
      field: 'spec.resources.gpus.memory',
      from: formatQuantity(asked),
      to: formatQuantity(memoryBytes),
      cost: costOf(memoryBytes, asked),
      apply: (before) => ({ ...before, gpus: { ...(before.gpus ?? gpus), memoryBytes } }),
    }),
  );
  return [...fewer, ...smaller];
}

/** What more may be promised of a GPU that is shared. */
function freeOf({ uuid, memory }: Gpu, held: Held): number {
  const { exclusive, sharedBytes } = held.gpus.get(uuid) ?? { exclusive: 0, sharedBytes: 0 };
  return exclusive > 0 ? 0 : memory - sharedBytes;
}

import { coresRefusal, memoryRefusal, pinRefusal } from '../amounts.ts';
import type { Held } from '../charges.ts';
import type { Need } from '../need.ts';
import { type NodeShape, numaOfGpu } from '../node-shape.ts';
import type { Refusal } from '../refusal.ts';
import { pinnable, sharedMilliCores } from './cpus.ts';
import { gpuRefusals } from './gpus.ts';

/** Why the NUMA node of a target, which the machine has, cannot give what its whole machine could. */
export function numaRefusals(need: Need, shape: NodeShape, held: Held, id: number): Refusal[] {
  const misplaced = misplacedGpus(need, shape, id);
  const own = amountRefusals(need, shape, held, id).map(
    ({ code, reason }): Refusal => ({ code, reason: `on NUMA node ${id}: ${reason}` }),
  );
  return [...misplaced, ...own];
}

function misplacedGpus({ target }: Need, shape: NodeShape, id: number): Refusal[] {
  return shape.gpus
    .filter((gpu) => target?.gpus?.includes(gpu.index) && numaOfGpu(gpu, shape) !== id)
    .map((gpu): Refusal => {
      const where = numaOfGpu(gpu, shape);
      const is = where === undefined ? 'is on no NUMA node that is known' : `is on NUMA node ${where}`;
      return { code: 'Numa', reason: `GPU ${gpu.index} ${is}, not on ${id}` };
    });
}

function amountRefusals(need: Need, shape: NodeShape, held: Held, id: number): Refusal[] {
  const numa = shape.numa.find((each) => each.id === id);
  if (!numa?.cpus.length) return [{ code: 'Numa', reason: 'has no CPU for runs' }];
  const total = numa.cpus.length;
  const shared = total * 1000 - sharedMilliCores(shape, held, id);
  const cores = need.pin
    ? pinRefusal(need.milliCores / 1000, total, pinnable(shape, held, id))
    : coresRefusal(need.milliCores, total * 1000, shared);
  const memory = memoryRefusal(need.memoryBytes, numa.memoryBytes, held.numa.get(id)?.memoryBytes ?? 0);
  return [...(cores ? [cores] : []), ...(memory ? [memory] : []), ...gpusOn(need, shape, held, id)];
}

/** GPUs that the target names are looked at one by one. */
function gpusOn(need: Need, shape: NodeShape, held: Held, id: number): Refusal[] {
  if (need.target?.gpus) return [];
  const gpus = shape.gpus.filter((gpu) => numaOfGpu(gpu, shape) === id);
  return gpuRefusals(need, { ...shape, gpus }, held);
}

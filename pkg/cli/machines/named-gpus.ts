import { type Node, parseTarget, type Target } from '../../api/index.ts';
import { RiverError } from '../../base/index.ts';
import { numaOfGpu, shapeOf } from '../../placement/index.ts';
import type { GpuView } from './gpus.ts';

/** A node, or GPUs, as a target of a Task; also as `-o name` prints it: `gpu/node1::0`. */
export function gpuTarget(word: string): Target {
  return parseTarget(word.replace(/^gpus?\//, ''));
}

/** Those that the targets name. `nodes`: all that stand in them. Raises NotFound for a GPU that is not there. */
export function namedGpus(
  gpus: readonly GpuView[],
  nodes: readonly Node[],
  targets: readonly Target[],
): GpuView[] {
  const numaOf = (gpu: GpuView) => {
    const node = nodes.find(({ metadata }) => metadata.name === gpu.node);
    return node && numaOfGpu(gpu, shapeOf(node));
  };
  for (const target of targets) checkPresent(target, gpus, numaOf);
  return gpus.filter((gpu) =>
    targets.some(
      ({ node, numa, gpus: indexes }) =>
        node === gpu.node &&
        (numa === undefined || numa === numaOf(gpu)) &&
        (indexes?.includes(gpu.index) ?? true),
    ),
  );
}

function checkPresent(
  { node, numa, gpus: indexes = [] }: Target,
  gpus: readonly GpuView[],
  numaOf: (gpu: GpuView) => number | undefined,
): void {
  const own = gpus.filter((gpu) => gpu.node === node && (numa === undefined || numaOf(gpu) === numa));
  const missing = indexes.find((index) => !own.some((gpu) => gpu.index === index));
  if (missing === undefined) return;
  const where = numa === undefined ? `node ${node}` : `NUMA node ${numa} of node ${node}`;
  const there = own.length === 0 ? 'it has none' : `it has ${own.map(({ index }) => index).join(', ')}`;
  throw new RiverError('NotFound', `${where} has no GPU ${missing}; ${there}`);
}

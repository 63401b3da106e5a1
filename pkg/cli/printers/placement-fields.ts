import { formatBytes, type PlacedGpu, type Run } from '../../api/index.ts';
import type { Field } from './sections.ts';

/** What a Run is bound to on its node, a line for each; none for what it shares with all others. */
export function placementFields({ spec: { placement } }: Run): Field[] {
  if (!placement) return [];
  const { node, cpus, pinned, numaNodes, gpus, environment } = placement;
  return [
    ['Node', node],
    ['CPUs', cpus && (pinned ? `${cpus}, for this run alone` : cpus)],
    ['NUMA nodes', numaNodes?.join(',')],
    ['GPUs', gpus?.map(gpuText).join('; ')],
    ['Environment', environment && `${environment.name} ${environment.digest}`],
  ];
}

function gpuText({ index, uuid, memoryBytes }: PlacedGpu): string {
  if (memoryBytes === undefined) return `${index} (${uuid})`;
  return `${index} (${uuid}), shared: ${formatBytes(memoryBytes)} of its memory are accounted for, not enforced`;
}

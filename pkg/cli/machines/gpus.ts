import { formatTarget, type Gpu, type GpuUsage, type Node, type Run } from '../../api/index.ts';
import { isCharged } from '../../placement/index.ts';

/** A Run that has a GPU, or a share of one. */
export interface GpuHolder {
  namespace: string;
  name: string;
  /** The share of its memory that is charged; absent: all of it, for this Run alone. */
  memoryBytes?: number;
}

/** A GPU as people look at it: what its Node says, its live values, and who has it. */
export interface GpuView extends Gpu {
  node: string;
  /** Absent: not known now. */
  usage?: GpuUsage;
  heldBy: GpuHolder[];
}

/** By node and index. `runs`: at least those that are bound and have not ended. */
export function gpusOf(nodes: readonly Node[], runs: readonly Run[]): GpuView[] {
  const holders = holdersByNode(runs);
  return nodes.flatMap(({ metadata, status }) => {
    const node = metadata.name ?? '';
    const gpus = [...(status?.gpus ?? [])].sort((left, right) => left.index - right.index);
    return gpus.map((gpu): GpuView => {
      const usage = status?.usage?.gpus?.find(({ uuid }) => uuid === gpu.uuid);
      const heldBy = holders.get(node)?.get(gpu.uuid) ?? [];
      return { node, ...gpu, ...(usage ? { usage } : {}), heldBy };
    });
  });
}

/** As a target of a Task names it. */
export function gpuName({ node, index }: GpuView): string {
  return formatTarget({ node, gpus: [index] });
}

function holdersByNode(runs: readonly Run[]): Map<string, Map<string, GpuHolder[]>> {
  const found = new Map<string, Map<string, GpuHolder[]>>();
  for (const run of runs) {
    const { node = '', gpus = [] } = run.spec.placement ?? {};
    if (gpus.length === 0 || !isCharged(run)) continue;
    const ofNode = found.get(node) ?? new Map<string, GpuHolder[]>();
    found.set(node, ofNode);
    for (const { uuid, memoryBytes } of gpus) {
      const { namespace = '', name = '' } = run.metadata;
      const holder = { namespace, name, ...(memoryBytes === undefined ? {} : { memoryBytes }) };
      ofNode.set(uuid, [...(ofNode.get(uuid) ?? []), holder]);
    }
  }
  return found;
}

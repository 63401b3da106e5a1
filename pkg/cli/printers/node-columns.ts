import { type Column, formatBytes, formatCores, type Node } from '../../api/index.ts';
import { allocatable, type Held } from '../../placement/index.ts';

/** What is charged on nodes, of what there is for runs: columns of `-o wide` that no Node knows by itself. */
export function heldColumns(heldOn: (node: string) => Held): readonly Column<Node>[] {
  const held = ({ metadata }: Node) => heldOn(metadata.name ?? '');
  return [
    {
      name: 'CORES-HELD',
      cell: (node) => `${formatCores(held(node).milliCores)}/${formatCores(allocatable(node).milliCores)}`,
    },
    {
      name: 'MEMORY-HELD',
      cell: (node) => `${formatBytes(held(node).memoryBytes)}/${formatBytes(allocatable(node).memoryBytes)}`,
    },
    { name: 'GPUS-FREE', cell: (node) => freeGpus(node, held(node)) },
  ];
}

/** Healthy, and nobody has even a share of it. */
function freeGpus({ status }: Node, { gpus: held }: Held): string {
  const all = status?.gpus ?? [];
  const free = all.filter(({ uuid, health }) => {
    const { exclusive, sharedBytes } = held.get(uuid) ?? { exclusive: 0, sharedBytes: 0 };
    return health === 'Healthy' && exclusive === 0 && sharedBytes === 0;
  });
  return `${free.length}/${all.length}`;
}

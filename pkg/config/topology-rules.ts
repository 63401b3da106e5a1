import type { Finding, RunnerConfig } from '../api/index.ts';

type TopologyConfig = NonNullable<RunnerConfig['topology']>;

/** What the schema cannot say about a written topology: that its parts fit each other. */
export function topologyFindings({ numa, gpus }: TopologyConfig = {}): Finding[] {
  const finding = (part: 'numa' | 'gpus', index: number, field: string, message: string): Finding => ({
    path: ['topology', part, index, field],
    message,
    reason: 'FieldValueInvalid',
  });
  const ids = numa?.map(({ id }) => id);
  const cpus = new Set<number>();
  return [
    ...(numa ?? []).flatMap((node, index) => {
      const problem = cpusProblem(node.cpus, cpus);
      const isShort = node.distances !== undefined && node.distances.length !== numa?.length;
      return [
        ...(ids?.indexOf(node.id) === index
          ? []
          : [finding('numa', index, 'id', `another NUMA node has the id ${node.id}; give each its own`)]),
        ...(problem ? [finding('numa', index, 'cpus', problem)] : []),
        ...(isShort
          ? [finding('numa', index, 'distances', `must have ${numa?.length} numbers, one for each NUMA node`)]
          : []),
      ];
    }),
    ...(gpus ?? []).flatMap((gpu, index) => {
      const relative = gpu.devices?.find((path) => !path.startsWith('/'));
      const isTwice = gpus?.findIndex(({ uuid }) => uuid === gpu.uuid) !== index;
      const isNowhere = gpu.numa !== undefined && ids !== undefined && !ids.includes(gpu.numa);
      return [
        ...(isTwice
          ? [finding('gpus', index, 'uuid', `another GPU has the uuid ${gpu.uuid}; give each its own`)]
          : []),
        ...(relative === undefined
          ? []
          : [finding('gpus', index, 'devices', `must be absolute paths; found "${relative}"`)]),
        ...(isNowhere ? [finding('gpus', index, 'numa', `there is no NUMA node ${gpu.numa} in numa`)] : []),
      ];
    }),
  ];
}

/** `taken`: CPUs of all nodes before; filled in. */
function cpusProblem(text: string, taken: Set<number>): string | undefined {
  for (const part of text.split(',').filter(Boolean)) {
    const [first = 0, last = first] = part.split('-').map(Number);
    if (last < first) return `${part} goes backwards; write ${last}-${first}`;
    for (let cpu = first; cpu <= last; cpu += 1) {
      if (taken.has(cpu)) return `CPU ${cpu} stands there twice; a CPU is in one NUMA node`;
      taken.add(cpu);
    }
  }
  return undefined;
}

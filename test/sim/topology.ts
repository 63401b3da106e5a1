import { formatCpuList, type Topology } from '../../pkg/topology/index.ts';
import { nodeCores } from './workload.ts';

const cpus = Array.from({ length: nodeCores }, (_, cpu) => cpu);
const list = formatCpuList(cpus);

/** What every simulated machine has: one NUMA node and no GPU. */
export const simTopology: Topology = {
  cpus: { online: list, allocatable: list, isolated: '', cores: cpus.map(String) },
  numa: [{ id: 0, cpus: list, memory: 8 * 2 ** 30, distances: [10] }],
  gpus: [],
  usage: [],
  problems: [],
};

import type { Gpu, GpuUsage, NodeCpus, NumaNode } from '../api/index.ts';
import type { CommandRunner } from './command-runner.ts';
import { formatCpuList } from './cpu-list.ts';
import { type Cpus, type Reading, readCpus } from './cpus.ts';
import type { FileReader } from './file-reader.ts';
import { GpuList } from './gpu-list.ts';
import { readNvidiaGpus } from './gpus.ts';
import { readMemory } from './machine.ts';
import { readNuma } from './numa.ts';
import { SteadyBytes } from './steady-bytes.ts';

/** What a machine has, as its Node says it. */
export interface Topology {
  cpus: NodeCpus;
  numa: NumaNode[];
  gpus: Gpu[];
  usage: GpuUsage[];
  /** A sentence for each thing that could not be read. */
  problems: string[];
}

export interface TopologyOptions {
  reader: FileReader;
  run: CommandRunner;
  /** What the configuration says in place of what is read. */
  fixed: { numa?: readonly NumaNode[]; gpus?: readonly Gpu[] };
  /** Whole cores that are kept for the machine itself. */
  reservedCores: number;
}

/** Reads again and again what the machine has: CPUs come and go, GPUs fall off the bus. */
export class TopologyReader {
  readonly #options: TopologyOptions;
  readonly #gpus = new GpuList();
  /** By NUMA node. */
  readonly #memory = new Map<number, SteadyBytes>();

  constructor(options: TopologyOptions) {
    this.#options = options;
  }

  /** Raises only where `readMachine` does. */
  async read(): Promise<Topology> {
    const { reader, fixed, reservedCores } = this.#options;
    const cpus = readCpus(reader);
    const numa = fixed.numa
      ? { found: [...fixed.numa], problems: [] }
      : readNuma(reader, cpus.found.online, readMemory(reader).totalBytes);
    const gpus = await this.#readGpus();
    return {
      cpus: shownCpus(cpus.found, reservedCores),
      numa: fixed.numa ? numa.found : numa.found.map((node) => this.#steady(node)),
      ...gpus.found,
      problems: [...cpus.problems, ...numa.problems, ...gpus.problems],
    };
  }

  #steady(node: NumaNode): NumaNode {
    const memory = this.#memory.get(node.id) ?? new SteadyBytes();
    this.#memory.set(node.id, memory);
    return { ...node, memory: memory.settle(node.memory) };
  }

  async #readGpus(): Promise<Reading<Pick<Topology, 'gpus' | 'usage'>>> {
    const { reader, run, fixed } = this.#options;
    if (fixed.gpus) return { found: { gpus: [...fixed.gpus], usage: [] }, problems: [] };
    const { found, problems } = await readNvidiaGpus(reader, run);
    const gpus = this.#gpus.update(found.gpus);
    const lost = gpus.filter(({ uuid }) => !found.gpus.some((gpu) => gpu.uuid === uuid));
    const missing = lost.map(({ index, uuid }) => `GPU ${index} (${uuid}) is not shown any more`);
    return { found: { gpus, usage: found.usage }, problems: [...problems, ...missing] };
  }
}

/** Reserved is a number of cores; which ones is decided here, so that everybody means the same: the lowest. */
function shownCpus({ online, usable, isolated, cores }: Cpus, reservedCores: number): NodeCpus {
  const kept = usable.slice(Math.min(Math.floor(reservedCores), usable.length));
  return {
    online: formatCpuList(online),
    allocatable: formatCpuList(kept),
    isolated: formatCpuList(isolated),
    cores: cores.map(formatCpuList),
  };
}

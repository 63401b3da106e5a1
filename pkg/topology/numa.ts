import type { NumaNode } from '../api/index.ts';
import { commonCpus, formatCpuList, parseCpuList } from './cpu-list.ts';
import type { Reading } from './cpus.ts';
import type { FileReader } from './file-reader.ts';

const folder = '/sys/devices/system/node';

/** NUMA nodes by id. One of all there is where the kernel knows none. A node that cannot be read is left out. */
export function readNuma(
  reader: FileReader,
  online: readonly number[],
  memoryBytes: number,
): Reading<NumaNode[]> {
  const ids = reader
    .list(folder)
    .flatMap((name) => /^node(\d{1,4})$/.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((left, right) => left - right);
  if (ids.length === 0) {
    return {
      found: [{ id: 0, cpus: formatCpuList(online), memory: memoryBytes, distances: [10] }],
      problems: [],
    };
  }
  const found: NumaNode[] = [];
  const problems: string[] = [];
  for (const id of ids) {
    const node = readNode(reader, id, online);
    if (typeof node === 'string') problems.push(node);
    else found.push(node);
  }
  return { found: withDistances(found, reader, ids), problems };
}

function readNode(reader: FileReader, id: number, online: readonly number[]): NumaNode | string {
  const path = `${folder}/node${id}`;
  const cpus = parseCpuList(reader.read(`${path}/cpulist`) ?? 'missing');
  if (!cpus) return `${path}/cpulist is missing or no list of CPUs: NUMA node ${id} is left out`;
  const kib = /^Node \d+ MemTotal:\s+(\d+) kB$/m.exec(reader.read(`${path}/meminfo`) ?? '')?.[1];
  if (kib === undefined) return `${path}/meminfo says no MemTotal: NUMA node ${id} is left out`;
  return { id, cpus: formatCpuList(commonCpus(online, cpus)), memory: Number(kib) * 1024 };
}

/** The kernel's lines have one number for each node there is; those of nodes that were left out are taken off. */
function withDistances(nodes: NumaNode[], reader: FileReader, ids: readonly number[]): NumaNode[] {
  const kept = new Set(nodes.map(({ id }) => id));
  return nodes.map((node) => {
    const numbers = (reader.read(`${folder}/node${node.id}/distance`) ?? '').trim().split(/\s+/).map(Number);
    const whole = numbers.length === ids.length && numbers.every((each) => Number.isInteger(each));
    return whole
      ? { ...node, distances: numbers.filter((_, index) => kept.has(ids[index] as number)) }
      : node;
  });
}

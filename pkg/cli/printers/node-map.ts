import type { Gpu, Node, Run } from '../../api/index.ts';
import { formatBytes, isTerminal } from '../../api/index.ts';
import { section } from './sections.ts';

/** NUMA nodes and GPUs of a Node, and which of its runs hold them. Nothing of a Node that has not said what it has. */
export function nodeMap({ status }: Node, runs: readonly Run[]): string {
  const { numa = [], gpus = [] } = status ?? {};
  const held = runs.filter(({ status: now }) => !isTerminal(now?.phase ?? 'Pending'));
  const nodes = numa.map(({ id, cpus, memory }) => [
    String(id),
    cpus || 'none',
    formatBytes(memory),
    gpusOn(gpus, id),
    names(held.filter(({ spec }) => spec.placement?.numaNodes?.includes(id))),
  ]);
  const cards = gpus.map((gpu) => [
    String(gpu.index),
    gpu.model,
    formatBytes(gpu.memory),
    gpu.numa === undefined ? '-' : String(gpu.numa),
    gpu.healthMessage ?? gpu.health,
    names(held.filter(({ spec }) => spec.placement?.gpus?.some(({ uuid }) => uuid === gpu.uuid))),
  ]);
  return [
    numa.length > 0 ? section('NUMA nodes', ['NODE', 'CPUS', 'MEMORY', 'GPUS', 'HELD BY'], nodes) : '',
    gpus.length > 0 ? section('GPUs', ['GPU', 'MODEL', 'MEMORY', 'NUMA', 'HEALTH', 'HELD BY'], cards) : '',
  ].join('');
}

function gpusOn(gpus: readonly Gpu[], id: number): string {
  return gpus.flatMap(({ numa, index }) => (numa === id ? [index] : [])).join(',') || '-';
}

function names(runs: readonly Run[]): string {
  return runs.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`).join(', ') || '-';
}

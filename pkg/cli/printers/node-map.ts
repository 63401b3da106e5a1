import { formatBytes, formatCores, type Node, objectKey, type Run } from '../../api/index.ts';
import { formatCpuList } from '../../topology/index.ts';
import type { GpuView } from '../machines/gpus.ts';
import { type CpuPart, type Place, placesOf } from '../machines/places.ts';
import { gpuHealth, gpuHolders, gpuLoad } from './gpu-text.ts';
import { indent } from './sections.ts';
import { printable, TableWriter } from './table.ts';

/** A list of CPUs goes on below when it is longer. */
const cpusWidth = 26;
/** Names of those who hold something, on one line. */
const namesWidth = 40;
/** With more runs that have CPUs of one NUMA node for themselves, those of a task stand together. */
const mostPins = 12;

type Row = readonly [what: string, how: string, who: string];

/** NUMA nodes of a Node with their CPUs and GPUs, and who has them. Nothing of a Node that has not said what it has. */
export function nodeMap(node: Node, runs: readonly Run[]): string {
  const { places, anywhere } = placesOf(node, runs);
  if (places.length === 0) return '';
  const blocks = places.map((place) => ({ title: titleOf(place), rows: rowsOf(place) }));
  // All in one table, so that the columns of all NUMA nodes are in line.
  const lines = new TableWriter().format(blocks.flatMap(({ rows }) => rows)).split('\n');
  const texts = blocks.flatMap(({ title, rows }) => [
    `  ${title}`,
    ...lines.splice(0, rows.length).map((line) => `    ${line}`),
  ]);
  const { runs: count, milliCores } = anywhere;
  const free = `${count} ${count === 1 ? 'run' : 'runs'} on shared CPUs of any NUMA node: ${formatCores(milliCores)} cores`;
  return `Map:\n${texts.join('\n')}\n${count === 0 ? '' : indent(`${free}\n`)}`;
}

function titleOf({ numa, cpus, cores, memory }: Place): string {
  const threads = cores > 0 && cores < cpus.length ? ` (${cores} cores)` : '';
  const parts = [
    numa === undefined ? 'No NUMA node' : `NUMA ${numa}`,
    cpus.length > 0 ? `cpus ${formatCpuList(cpus)}${threads}` : 'no cpus',
    ...(memory ? [`memory ${formatBytes(memory.bytes)} (${formatBytes(memory.freeBytes)} free)`] : []),
  ];
  return parts.join('   ');
}

function rowsOf({ parts, gpus }: Place): Row[] {
  return [...grouped(parts).flatMap(cpuRows), ...gpus.map(gpuRow)];
}

interface Shown {
  part: CpuPart;
  who: string;
}

function grouped(parts: readonly CpuPart[]): Shown[] {
  const pins = parts.filter(({ use }) => use === 'pinned');
  if (pins.length <= mostPins) return parts.map((part) => ({ part, who: names(part.runs) }));
  const byTask = new Map<string, CpuPart>();
  for (const pin of pins) {
    const key = `${taskOf(pin)} ${pin.isolated}`;
    const before = byTask.get(key);
    byTask.set(key, before ? joined(before, pin) : pin);
  }
  const others = parts.filter(({ use }) => use !== 'pinned').map((part) => ({ part, who: names(part.runs) }));
  const tasks = [...byTask.values()].map((part): Shown => {
    const count = new Set(part.runs).size;
    return { part, who: count === 1 ? names(part.runs) : `${count} runs of ${taskOf(part)}` };
  });
  return [...others, ...tasks].sort((left, right) => (left.part.cpus[0] ?? 0) - (right.part.cpus[0] ?? 0));
}

function taskOf({ runs: [run] }: CpuPart): string {
  return `${run?.metadata.namespace}/${run?.spec.task}`;
}

function joined(left: CpuPart, right: CpuPart): CpuPart {
  return { ...left, cpus: [...left.cpus, ...right.cpus], runs: [...left.runs, ...right.runs] };
}

function cpuRows({ part, who }: Shown): Row[] {
  const [first = '', ...more] = wrapped(formatCpuList(part.cpus));
  return [
    [first, part.isolated ? `${part.use}, isolated` : part.use, who],
    ...more.map((line): Row => [line, '', '']),
  ];
}

function gpuRow(gpu: GpuView): Row {
  const who = shortened(gpuHolders(gpu));
  const sick = gpu.health === 'Healthy' ? '' : `${gpuHealth(gpu)} `;
  const model = printable(gpu.model).replace(/^NVIDIA /, '');
  return [`gpu ${gpu.index}`, `${model} ${gpuLoad(gpu)}`, `${sick}${who}`];
}

/** At commas. */
function wrapped(list: string): string[] {
  const lines: string[] = [];
  for (const range of list.split(',')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + range.length < cpusWidth)
      lines[lines.length - 1] = `${last},${range}`;
    else lines.push(range);
  }
  return lines.map((line, index) => (index < lines.length - 1 ? `${line},` : line));
}

function names(runs: readonly Run[]): string {
  return shortened(runs.map(({ metadata }) => objectKey(metadata)));
}

function shortened(all: readonly string[]): string {
  let shown = 1;
  while (shown < all.length && all.slice(0, shown + 1).join(', ').length <= namesWidth) shown += 1;
  const left = all.length - shown;
  return all.slice(0, shown).join(', ') + (left > 0 ? ` and ${left} more` : '');
}

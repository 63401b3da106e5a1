import { formatBytes, type Node, type Run } from '../../api/index.ts';
import { allocatable, chargeOf, type Held } from '../../placement/index.ts';
import { UsageError } from '../errors.ts';
import type { GpuView } from '../machines/gpus.ts';
import { power } from './gpu-table.ts';
import { gpuHolders } from './gpu-text.ts';
import { printable, TableWriter } from './table.ts';
import { ofTotal, rounded, shownCores, unknown } from './values.ts';

interface Row {
  cells: readonly string[];
  /** By what it may be sorted; undefined: not known. */
  values: Readonly<Record<string, number | undefined>>;
}

/** What is used now, to be sorted and printed. */
export class TopTable {
  /** In the plural. */
  readonly what: string;
  readonly rows: readonly Row[];
  readonly #header: readonly string[];
  readonly #orders: readonly string[];

  /** `orders`: names of values; the first is the default, `name` leaves the rows as they are. */
  constructor(what: string, orders: readonly string[], header: readonly string[], rows: readonly Row[]) {
    this.what = what;
    this.rows = rows;
    this.#header = header;
    this.#orders = orders;
  }

  /** The largest first, what is not known last. */
  format(order = this.#orders[0] ?? 'name'): string {
    if (!this.#orders.includes(order))
      throw new UsageError(
        `river: --sort-by ${order}: ${this.what} are sorted by ${this.#orders.join(', ')}`,
      );
    const value = ({ values }: Row) => values[order] ?? -1;
    const sorted =
      order === 'name' ? this.rows : [...this.rows].sort((left, right) => value(right) - value(left));
    return new TableWriter().format([this.#header, ...sorted.map(({ cells }) => cells.map(printable))]);
  }
}

const nodeHeader = ['NAME', 'CORES', 'CORES%', 'MEMORY', 'MEMORY%', 'GPU%', 'GPU-MEMORY', 'RUNS'];

/** Of what there is for runs, as they are charged for it; what the machine uses for itself counts too. */
export function topNodes(nodes: readonly Node[], heldOn: (node: string) => Held): TopTable {
  const rows = nodes.map((node): Row => {
    const { usage, gpus = [] } = node.status ?? {};
    const { milliCores, memoryBytes } = allocatable(node);
    const shown = usage?.gpus ?? [];
    const gpu = shown.length > 0 ? sumOf(shown.map(({ utilization }) => utilization)) : undefined;
    const gpuMemory = shown.length > 0 ? sumOf(shown.map(({ memoryUsed }) => memoryUsed)) : undefined;
    const name = node.metadata.name ?? '';
    const cells = [
      name,
      ofTotal(usage?.cores, milliCores / 1000, shownCores),
      share(usage?.cores, milliCores / 1000),
      ofTotal(usage?.memoryUsed, memoryBytes, formatBytes),
      share(usage?.memoryUsed, memoryBytes),
      gpus.length === 0 ? '-' : rounded(gpu === undefined ? undefined : gpu / shown.length, '%'),
      gpus.length === 0
        ? '-'
        : ofTotal(
            gpuMemory,
            gpus.reduce((sum, { memory }) => sum + memory, 0),
            formatBytes,
          ),
      String(heldOn(name).runs),
    ];
    return {
      cells,
      values: { cores: usage?.cores, memory: usage?.memoryUsed, gpu, 'gpu-memory': gpuMemory },
    };
  });
  return new TopTable('nodes', ['name', 'cores', 'memory', 'gpu', 'gpu-memory'], nodeHeader, rows);
}

const gpuHeader = ['NODE', 'GPU', 'MODEL', 'UTIL', 'MEMORY', 'MEMORY%', 'TEMP', 'POWER', 'HELD BY'];

export function topGpus(gpus: readonly GpuView[]): TopTable {
  const rows = gpus.map((gpu): Row => {
    const { node, index, model, memory, usage } = gpu;
    const { utilization, memoryUsed, temperature, powerDraw } = usage ?? {};
    const cells = [
      ...[node, String(index), model, rounded(utilization, '%')],
      ...[ofTotal(memoryUsed, memory, formatBytes), share(memoryUsed, memory), rounded(temperature, '°C')],
      ...[power(usage), gpuHolders(gpu).join(', ')],
    ];
    return { cells, values: { utilization, memory: memoryUsed, temperature, power: powerDraw } };
  });
  return new TopTable('gpus', ['name', 'utilization', 'memory', 'temperature', 'power'], gpuHeader, rows);
}

export interface TopRunsOptions {
  withNamespace: boolean;
}

/** Of what they are limited to. `nodes`: those that the runs are on, with the live values of their GPUs. */
export function topRuns(
  runs: readonly Run[],
  nodes: readonly Node[],
  { withNamespace }: TopRunsOptions,
): TopTable {
  const gpuMemory = usedOnGpus(nodes);
  const rows = runs.map((run): Row => {
    const { metadata, spec, status } = run;
    const { milliCores, memoryBytes } = chargeOf(run);
    const { cores: used, memoryUsed } = status?.usage ?? {};
    const onGpus = gpuMemory(run);
    const cells = [
      ...(withNamespace ? [metadata.namespace ?? ''] : []),
      ...[metadata.name ?? '', spec.placement?.node ?? ''],
      limited(used, milliCores / 1000, shownCores),
      limited(memoryUsed, memoryBytes, formatBytes),
      spec.placement?.gpus?.length ? (onGpus === undefined ? unknown : formatBytes(onGpus)) : '-',
    ];
    return { cells, values: { cores: used, memory: memoryUsed, 'gpu-memory': onGpus } };
  });
  const header = [...(withNamespace ? ['NAMESPACE'] : []), 'NAME', 'NODE', 'CORES', 'MEMORY', 'GPU-MEMORY'];
  return new TopTable('running runs', ['cores', 'memory', 'gpu-memory', 'name'], header, rows);
}

/** What is used on GPUs that a run has for itself is its own; of a shared one nobody knows whose it is. */
function usedOnGpus(nodes: readonly Node[]): (run: Run) => number | undefined {
  const used = new Map(
    nodes.flatMap(({ metadata, status }) =>
      (status?.usage?.gpus ?? []).map(({ uuid, memoryUsed }) => [`${metadata.name} ${uuid}`, memoryUsed]),
    ),
  );
  return ({ spec }) => {
    const { node, gpus = [] } = spec.placement ?? {};
    return sumOf(
      gpus.map(({ uuid, memoryBytes }) =>
        memoryBytes === undefined ? used.get(`${node} ${uuid}`) : undefined,
      ),
    );
  };
}

/** Undefined when one is not known, and of none. */
function sumOf(values: readonly (number | undefined)[]): number | undefined {
  let sum: number | undefined;
  for (const value of values) {
    if (value === undefined) return undefined;
    sum = (sum ?? 0) + value;
  }
  return sum;
}

function limited(used: number | undefined, limit: number, format: (value: number) => string): string {
  return `${used === undefined ? unknown : format(used)}/${limit === 0 ? '-' : format(limit)}`;
}

function share(used: number | undefined, total: number): string {
  return rounded(used === undefined || total <= 0 ? undefined : (100 * used) / total, '%');
}

import { formatBytes } from '../../api/index.ts';
import type { GpuView } from '../machines/gpus.ts';
import { gpuHealth, gpuHolders } from './gpu-text.ts';
import { printable, TableWriter } from './table.ts';
import { ofTotal, rounded, unknown } from './values.ts';

type Column = readonly [name: string, cell: (gpu: GpuView) => string];

const none = '<none>';

const gpuColumns: readonly Column[] = [
  ['NODE', ({ node }) => node],
  ['GPU', ({ index }) => String(index)],
  ['MODEL', ({ model }) => model],
  ['MEMORY', ({ usage, memory }) => ofTotal(usage?.memoryUsed, memory, formatBytes)],
  ['NUMA', ({ numa }) => String(numa ?? none)],
  ['UTIL', ({ usage }) => rounded(usage?.utilization, '%')],
  ['TEMP', ({ usage }) => rounded(usage?.temperature, '°C')],
  ['POWER', ({ usage }) => power(usage)],
  ['HELD BY', (gpu) => gpuHolders(gpu).join(', ')],
  ['HEALTH', gpuHealth],
];

const wideColumns: readonly Column[] = [
  ['UUID', ({ uuid }) => uuid],
  ['PCI', ({ pciAddress }) => pciAddress ?? none],
  ['DRIVER', ({ driver }) => driver ?? none],
  ['MIG', ({ mig }) => (mig ? `${mig.profile} of ${mig.parentUuid}` : none)],
  ['SM', ({ usage }) => rounded(usage?.clockSm, 'MHz')],
  ['MEM-CLOCK', ({ usage }) => rounded(usage?.clockMemory, 'MHz')],
  ['FAN', ({ usage }) => rounded(usage?.fanSpeed, '%')],
];

export function gpuTable(gpus: readonly GpuView[], wide: boolean): string {
  const columns = wide ? [...gpuColumns, ...wideColumns] : gpuColumns;
  const rows = gpus.map((gpu) => columns.map(([, cell]) => printable(cell(gpu))));
  return new TableWriter().format([columns.map(([name]) => name), ...rows]);
}

/** Drawn, of what it is held to. */
export function power(usage: GpuView['usage']): string {
  const { powerDraw, powerLimit } = usage ?? {};
  if (powerDraw === undefined) return unknown;
  return powerLimit === undefined
    ? rounded(powerDraw, 'W')
    : `${Math.round(powerDraw)}/${rounded(powerLimit, 'W')}`;
}

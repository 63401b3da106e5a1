import { formatBytes, formatCores, formatQuantity } from '../api/index.ts';
import type { Refusal } from './refusal.ts';

/** Too few cores: of all there are, or of those that are left. Undefined: there are enough. */
export function coresRefusal(need: number, total: number, charged: number): Refusal | undefined {
  // A need of nothing always has room, also on a node that has become smaller than what is charged to it.
  if (need <= 0 || charged + need <= total) return undefined;
  const wanted = formatCores(need);
  if (need > total) return { code: 'Cores', reason: `has ${formatCores(total)} cores, needs ${wanted}` };
  const free = formatCores(Math.max(0, total - charged));
  return { code: 'Cores', reason: `${free} of ${formatCores(total)} cores free, needs ${wanted}` };
}

/** The same of memory, in bytes. */
export function memoryRefusal(need: number, total: number, charged: number): Refusal | undefined {
  if (need <= 0 || charged + need <= total) return undefined;
  const wanted = formatMemory(need);
  if (need > total) return { code: 'Memory', reason: `has ${formatMemory(total)} memory, needs ${wanted}` };
  const free = formatMemory(Math.max(0, total - charged));
  return { code: 'Memory', reason: `${free} of ${formatMemory(total)} memory free, needs ${wanted}` };
}

/** The same of CPUs to pin; `free`: how many can be pinned now. */
export function pinRefusal(need: number, total: number, free: number): Refusal | undefined {
  if (need > total) return { code: 'Pin', reason: `has ${total} CPUs to pin, needs ${need}` };
  if (need <= free) return undefined;
  return { code: 'Pin', reason: `${free} of ${total} CPUs can be pinned, needs ${need}` };
}

/** As the user has written it when that is short, else rounded. */
function formatMemory(bytes: number): string {
  const exact = formatQuantity(bytes);
  return exact.length <= 6 ? exact : formatBytes(bytes);
}

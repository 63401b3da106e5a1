import { commonCpus, formatCpuList, parseCpuList, withoutCpus } from '../topology/index.ts';

/** What of one Run of this node matters to the others. */
export interface PlacedRun {
  uid: string;
  cpus?: string;
  pinned?: boolean;
}

export interface NodeCpus {
  allocatable: string;
  isolated: string;
}

/** The CPUs of each Run that has none for itself: those that nobody pinned, of its NUMA nodes if it is held to some. */
export function sharedCpus(runs: readonly PlacedRun[], node: NodeCpus): Map<string, string> {
  const pinned = runs.flatMap((run) => (run.pinned ? listOf(run.cpus) : []));
  const allocatable = listOf(node.allocatable);
  const ordinary = withoutCpus(allocatable, listOf(node.isolated));
  const usual = ordinary.length > 0 ? ordinary : allocatable;
  return new Map(
    runs
      .filter((run) => !run.pinned)
      .map(({ uid, cpus }) => [uid, formatCpuList(shareOf(cpus, pinned, usual, allocatable))]),
  );
}

function shareOf(cpus: string | undefined, pinned: number[], usual: number[], all: number[]): number[] {
  const own = cpus === undefined ? usual : commonCpus(listOf(cpus), all);
  const free = withoutCpus(own, pinned);
  if (free.length > 0) return free;
  const isolated = cpus === undefined ? withoutCpus(all, pinned) : [];
  if (isolated.length > 0) return isolated;
  // A program without any CPU would stand still: better it disturbs.
  return own.length > 0 && cpus !== undefined ? own : all;
}

function listOf(cpus: string | undefined): number[] {
  return parseCpuList(cpus ?? '') ?? [];
}

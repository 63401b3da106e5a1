import { readFileSync } from 'node:fs';
import type { BenchCluster } from './cluster.ts';
import type { Row } from './statistics.ts';

const clockTicksPerSecond = 100;

export function residentMegabytes(pid: number): number {
  const kilobytes = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kilobytes) / 1024;
}

export function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / clockTicksPerSecond;
}

/** Resident memory and share of one core over `seconds` in which nobody asks for anything. */
export async function idle(
  cluster: BenchCluster,
  when: string,
  seconds: number,
): Promise<{ rows: Row[]; megabytes: number }> {
  const before = cpuSeconds(cluster.pid);
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  const percent = ((cpuSeconds(cluster.pid) - before) / seconds) * 100;
  const megabytes = residentMegabytes(cluster.pid);
  const rows = [
    {
      what: `idle ${when}: RSS MB, CPU % of a core`,
      river: `${megabytes.toFixed(0)} MB, ${percent.toFixed(1)} %`,
      peer: when === 'fresh' ? '65 + 58 MB (HakuRiver, published)' : '201 + 407 MB (HakuRiver, published)',
    },
  ];
  return { rows, megabytes };
}

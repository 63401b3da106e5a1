import { commonCpus, parseCpuList } from './cpu-list.ts';
import type { FileReader } from './file-reader.ts';

export interface Cpus {
  online: number[];
  /** Online ones that work of the runner may be on. */
  usable: number[];
  /** Kept free by the kernel (isolcpus). */
  isolated: number[];
  /** SMT siblings of each physical core, online ones only, by their first CPU. */
  cores: number[][];
}

/** What could be read, and a sentence for each thing that could not. */
export interface Reading<T> {
  found: T;
  problems: string[];
}

const folder = '/sys/devices/system/cpu';

/** Never fails: a CPU whose siblings are not known counts as a core of its own. */
export function readCpus(reader: FileReader): Reading<Cpus> {
  const { found: online, problems } = readOnline(reader);
  const isolated = commonCpus(online, parseCpuList(reader.read(`${folder}/isolated`) ?? '') ?? []);
  const cores = readCores(reader, online);
  return {
    found: { online, usable: usable(reader, online, isolated), isolated, cores: cores.found },
    problems: [...problems, ...cores.problems],
  };
}

/** Without sysfs: /proc/stat has one line for each CPU that is online. */
function readOnline(reader: FileReader): Reading<number[]> {
  const listed = parseCpuList(reader.read(`${folder}/online`) ?? '');
  if (listed && listed.length > 0) return { found: listed, problems: [] };
  const lines = [...(reader.read('/proc/stat') ?? '').matchAll(/^cpu(\d+) /gm)];
  const found = lines.length > 0 ? lines.map((line) => Number(line[1])) : [0];
  return { found, problems: [`${folder}/online is missing or no list of CPUs`] };
}

/**
 * The cpuset or affinity of this process limits what it starts. The kernel itself keeps processes off isolated CPUs:
 * a mask that lacks nothing but these is no limit that somebody has set.
 */
function usable(reader: FileReader, online: number[], isolated: number[]): number[] {
  const text = /^Cpus_allowed_list:(.*)$/m.exec(reader.read('/proc/self/status') ?? '')?.[1];
  const allowed = commonCpus(online, text === undefined ? online : (parseCpuList(text) ?? online));
  const free = commonCpus(online, [...allowed, ...isolated]);
  if (free.length === online.length || allowed.length === 0) return online;
  return allowed;
}

function readCores(reader: FileReader, online: number[]): Reading<number[][]> {
  const cores: number[][] = [];
  const unknown: number[] = [];
  const seen = new Set<number>();
  for (const cpu of online) {
    if (seen.has(cpu)) continue;
    const siblings = readSiblings(reader, cpu);
    if (!siblings) unknown.push(cpu);
    // A file that contradicts an earlier one must not put a CPU into two cores.
    const core = commonCpus(online, siblings ?? [cpu]).filter((each) => !seen.has(each));
    for (const each of core) seen.add(each);
    cores.push(core);
  }
  if (unknown.length === 0) return { found: cores, problems: [] };
  const which = unknown.length === online.length ? 'any CPU' : `CPU ${unknown.slice(0, 8).join(', ')}`;
  return { found: cores, problems: [`SMT siblings cannot be read for ${which}`] };
}

/** Undefined when the file is missing, broken, or does not name the CPU itself. */
function readSiblings(reader: FileReader, cpu: number): number[] | undefined {
  // The second name is the one of Linux 5.3 and later; the first one is still there.
  const text = ['thread_siblings_list', 'core_cpus_list']
    .map((file) => reader.read(`${folder}/cpu${cpu}/topology/${file}`))
    .find((each) => each !== undefined);
  const siblings = text === undefined ? undefined : parseCpuList(text);
  return siblings?.includes(cpu) ? siblings : undefined;
}

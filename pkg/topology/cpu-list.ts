/** No machine has more; keeps a broken file from making a list of billions. */
const highestCpu = 65_535;

/** Parses the kernel's list form, `0-3,8`, into ascending numbers; undefined when it is not of that form. Empty is a list of none. */
export function parseCpuList(text: string): number[] | undefined {
  const trimmed = text.trim();
  if (trimmed === '') return [];
  const cpus = new Set<number>();
  for (const part of trimmed.split(',')) {
    const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(part.trim());
    if (!match) return undefined;
    const first = Number(match[1]);
    const last = Number(match[2] ?? match[1]);
    if (last < first || last > highestCpu) return undefined;
    for (let cpu = first; cpu <= last; cpu += 1) cpus.add(cpu);
  }
  return ascending(cpus);
}

/** The kernel's list form of these numbers, in any order: `0-3,8`. */
export function formatCpuList(cpus: Iterable<number>): string {
  const ranges: { first: number; last: number }[] = [];
  for (const cpu of ascending(new Set(cpus))) {
    const range = ranges.at(-1);
    if (range?.last === cpu - 1) range.last = cpu;
    else ranges.push({ first: cpu, last: cpu });
  }
  return ranges.map(({ first, last }) => (first === last ? `${first}` : `${first}-${last}`)).join(',');
}

/** Those of `cpus` that are in `others`. */
export function commonCpus(cpus: readonly number[], others: Iterable<number>): number[] {
  const set = others instanceof Set ? others : new Set(others);
  return cpus.filter((cpu) => set.has(cpu));
}

/** Those of `cpus` that are not in `others`. */
export function withoutCpus(cpus: readonly number[], others: Iterable<number>): number[] {
  const set = new Set(others);
  return cpus.filter((cpu) => !set.has(cpu));
}

function ascending(cpus: Set<number>): number[] {
  return [...cpus].sort((left, right) => left - right);
}

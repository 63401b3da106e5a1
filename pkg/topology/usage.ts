import type { FileReader } from './file-reader.ts';

/** Sums since boot over all CPUs, in clock ticks. Only differences of two mean something. */
export interface CpuTimes {
  busy: number;
  total: number;
  /** CPUs that are online. */
  cpus: number;
}

/** Undefined when /proc/stat is missing or broken. */
export function readCpuTimes(reader: FileReader): CpuTimes | undefined {
  const text = reader.read('/proc/stat') ?? '';
  const line = /^cpu +(.*)$/m.exec(text)?.[1];
  // user nice system idle iowait irq softirq steal; guest times that follow are in user and nice already (proc_stat(5)).
  const ticks = line?.split(/ +/).slice(0, 8).map(Number);
  if (!ticks || ticks.length < 4 || ticks.some((value) => !Number.isFinite(value))) return undefined;
  const total = ticks.reduce((sum, value) => sum + value, 0);
  const [, , , idle = 0, iowait = 0] = ticks;
  return { busy: total - idle - iowait, total, cpus: text.match(/^cpu\d/gm)?.length ?? 0 };
}

export interface CpuUse {
  /** Of all cores together, 0 to 100, one decimal. */
  percent: number;
  /** Thousandths are its last digits. */
  cores: number;
}

/** Undefined when no time has passed between the two. */
export function cpuUse(before: CpuTimes, after: CpuTimes): CpuUse | undefined {
  const total = after.total - before.total;
  if (total <= 0) return undefined;
  // iowait may go back a little (proc_stat(5)), hence the limits.
  const share = Math.min(1, Math.max(0, (after.busy - before.busy) / total));
  return { percent: Math.round(share * 1000) / 10, cores: Math.round(share * after.cpus * 1000) / 1000 };
}

const cpuChips = new Set(['coretemp', 'k10temp', 'k8temp', 'zenpower', 'fam15h_power', 'cpu_thermal']);
const cpuZone = /^(x86_pkg_temp|cpu|soc|tcpu)/i;

/** Degrees Celsius of the hottest CPU sensor; undefined when the machine shows none (most virtual ones). */
export function readCpuTemperature(reader: FileReader): number | undefined {
  const zones = thermalZones(reader);
  const ofCpu = [
    ...chipTemperatures(reader),
    ...zones.filter((zone) => cpuZone.test(zone.type)).map((zone) => zone.celsius),
  ];
  // The mainboard's ACPI zone is near the CPU and better than nothing; disks, batteries and radios are not.
  const found =
    ofCpu.length > 0 ? ofCpu : zones.filter((zone) => zone.type === 'acpitz').map((zone) => zone.celsius);
  return found.length > 0 ? Math.max(...found) : undefined;
}

function chipTemperatures(reader: FileReader): number[] {
  const found: number[] = [];
  for (const chip of reader.list('/sys/class/hwmon')) {
    const folder = `/sys/class/hwmon/${chip}`;
    if (!cpuChips.has(reader.read(`${folder}/name`)?.trim() ?? '')) continue;
    for (const file of reader.list(folder)) {
      if (!/^temp\d+_input$/.test(file)) continue;
      const celsius = parseMillidegrees(reader.read(`${folder}/${file}`));
      if (celsius !== undefined) found.push(celsius);
    }
  }
  return found;
}

function thermalZones(reader: FileReader): { type: string; celsius: number }[] {
  const found: { type: string; celsius: number }[] = [];
  for (const zone of reader.list('/sys/class/thermal')) {
    if (!zone.startsWith('thermal_zone')) continue;
    const celsius = parseMillidegrees(reader.read(`/sys/class/thermal/${zone}/temp`));
    const type = reader.read(`/sys/class/thermal/${zone}/type`)?.trim() ?? '';
    if (celsius !== undefined) found.push({ type, celsius });
  }
  return found;
}

/** Sensors that are switched off show 0, -273 or absurd values: left out. One decimal. */
function parseMillidegrees(text: string | undefined): number | undefined {
  const trimmed = text?.trim() ?? '';
  if (!/^-?\d+$/.test(trimmed)) return undefined;
  const celsius = Number(trimmed) / 1000;
  return celsius > 0 && celsius < 150 ? Math.round(celsius * 10) / 10 : undefined;
}

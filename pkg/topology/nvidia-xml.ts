import { XMLParser, XMLValidator } from 'fast-xml-parser';
import type { GpuUsage } from '../api/index.ts';

/** A GPU as `nvidia-smi -q -x` shows it. */
export interface NvidiaGpu {
  /** As nvidia-smi numbers it: its place in the answer. */
  position: number;
  /** Absent when the driver cannot tell any more. */
  uuid?: string;
  model: string;
  memoryBytes: number;
  /** As sysfs writes it: 0000:3b:00.0. */
  pciAddress?: string;
  /** What is wrong with it. */
  trouble?: string;
  usage: Omit<GpuUsage, 'uuid'>;
  /** Undefined: not in MIG mode. */
  mig?: { deviceIndex: number; memoryBytes: number; memoryUsed?: number; memoryFree?: number }[];
}

export interface NvidiaAnswer {
  driver: string;
  gpus: NvidiaGpu[];
}

type Element = { [name: string]: unknown };

// Values stay text: an index, a version and a UUID must not become numbers.
const parser = new XMLParser({
  ignoreAttributes: false,
  attributeNamePrefix: '@',
  parseTagValue: false,
  isArray: (name) => name === 'gpu' || name === 'mig_device',
});

/** Undefined when it is not XML of nvidia-smi. Fields come and go with drivers: what is missing is absent. */
export function parseNvidiaXml(text: string): NvidiaAnswer | undefined {
  if (XMLValidator.validate(text) !== true) return undefined;
  const log = child(parser.parse(text) as Element, 'nvidia_smi_log');
  if (!log) return undefined;
  const driver = textAt(log, 'driver_version') ?? '';
  return { driver, gpus: children(log, 'gpu').map(readGpu) };
}

function readGpu(gpu: Element, position: number): NvidiaGpu {
  const uuid = textAt(gpu, 'uuid');
  const memoryBytes = bytesAt(gpu, 'fb_memory_usage', 'total') ?? 0;
  const pciAddress = sysfsAddress(textAt(gpu, 'pci', 'pci_bus_id') ?? text(gpu['@id']));
  const trouble = troubleOf(gpu, uuid, memoryBytes);
  const isMig = textAt(gpu, 'mig_mode', 'current_mig') === 'Enabled';
  return {
    position,
    ...(uuid?.startsWith('GPU-') ? { uuid } : {}),
    model: textAt(gpu, 'product_name') ?? 'unknown',
    memoryBytes,
    ...(pciAddress === undefined ? {} : { pciAddress }),
    ...(trouble === undefined ? {} : { trouble }),
    usage: usageOf(gpu),
    ...(isMig ? { mig: children(child(gpu, 'mig_devices') ?? {}, 'mig_device').map(readMig) } : {}),
  };
}

function readMig(device: Element): NonNullable<NvidiaGpu['mig']>[number] {
  return {
    deviceIndex: Number(textAt(device, 'index')),
    memoryBytes: bytesAt(device, 'fb_memory_usage', 'total') ?? 0,
    ...present({
      memoryUsed: bytesAt(device, 'fb_memory_usage', 'used'),
      memoryFree: bytesAt(device, 'fb_memory_usage', 'free'),
    }),
  };
}

function usageOf(gpu: Element): NvidiaGpu['usage'] {
  // Named otherwise before driver 535.
  const power = ['gpu_power_readings', 'power_readings'].find((name) => child(gpu, name)) ?? '';
  const watts = (...names: string[]) =>
    names.map((name) => numberAt(gpu, power, name)).find((value) => value !== undefined);
  return present({
    utilization: numberAt(gpu, 'utilization', 'gpu_util'),
    memoryUtilization: numberAt(gpu, 'utilization', 'memory_util'),
    memoryTotal: bytesAt(gpu, 'fb_memory_usage', 'total'),
    memoryUsed: bytesAt(gpu, 'fb_memory_usage', 'used'),
    memoryFree: bytesAt(gpu, 'fb_memory_usage', 'free'),
    temperature: numberAt(gpu, 'temperature', 'gpu_temp'),
    fanSpeed: numberAt(gpu, 'fan_speed'),
    powerDraw: watts('power_draw', 'average_power_draw', 'instant_power_draw'),
    powerLimit: watts('current_power_limit', 'enforced_power_limit', 'power_limit'),
    powerLimitDefault: watts('default_power_limit'),
    powerLimitMax: watts('max_power_limit'),
    clockGraphics: numberAt(gpu, 'clocks', 'graphics_clock'),
    clockSm: numberAt(gpu, 'clocks', 'sm_clock'),
    clockMemory: numberAt(gpu, 'clocks', 'mem_clock'),
    clockVideo: numberAt(gpu, 'clocks', 'video_clock'),
  });
}

const broken = /^\[?(ERR!|Unknown Error|GPU is lost|GPU requires reset)\]?$/i;

/** One sentence about what keeps it from being given out. A fan that cannot be read does not. */
function troubleOf(gpu: Element, uuid: string | undefined, memoryBytes: number): string | undefined {
  const looked: string[][] = [
    ['uuid'],
    ['fb_memory_usage', 'total'],
    ['fb_memory_usage', 'used'],
    ['utilization', 'gpu_util'],
    ['temperature', 'gpu_temp'],
    ['pci', 'pci_bus_id'],
  ];
  const bad = looked.find((path) => broken.test(textAt(gpu, ...path) ?? ''));
  if (bad) return `nvidia-smi shows ${textAt(gpu, ...bad)} for ${bad.join('.')}`;
  if (uuid === undefined || memoryBytes === 0) return 'nvidia-smi shows no UUID or no memory';
  const recovery = textAt(gpu, 'gpu_recovery_action');
  if (recovery && !/^(None|N\/A)$/i.test(recovery)) return `the driver asks for this recovery: ${recovery}`;
  const errors = uncorrectable(gpu);
  if (errors > 0) return `${errors} uncorrectable ECC errors since the driver was loaded`;
  const said = [
    ['remapped_rows', 'remapped_row_failure'],
    ['remapped_rows', 'remapped_row_pending'],
    ['retired_pages', 'pending_retirement'],
    ['retired_pages', 'pending_blacklist'],
  ].find((path) => textAt(gpu, ...path) === 'Yes');
  return said && `nvidia-smi says Yes to ${said.join('.')}: reset it`;
}

/** Since the driver was loaded; older drivers call them double-bit. */
function uncorrectable(gpu: Element): number {
  const counts = [
    ['sram_uncorrectable'],
    ['sram_uncorrectable_parity'],
    ['sram_uncorrectable_secded'],
    ['dram_uncorrectable'],
    ['double_bit', 'total'],
  ].map((path) => numberAt(gpu, 'ecc_errors', 'volatile', ...path) ?? 0);
  return counts.reduce((sum, count) => sum + count, 0);
}

/** nvidia-smi writes the domain with eight digits and in upper case: 00000000:3B:00.0. */
function sysfsAddress(address: string | undefined): string | undefined {
  const match = /^([0-9a-f]{4,8}):([0-9a-f]{2}:[0-9a-f]{2}\.[0-7])$/i.exec(address ?? '');
  if (!match) return undefined;
  const domain = Number.parseInt(match[1] as string, 16)
    .toString(16)
    .padStart(4, '0');
  return `${domain}:${match[2]}`.toLowerCase();
}

function child(parent: Element, name: string): Element | undefined {
  const found = Object.hasOwn(parent, name) ? parent[name] : undefined;
  return typeof found === 'object' && found !== null && !Array.isArray(found)
    ? (found as Element)
    : undefined;
}

function children(parent: Element, name: string): Element[] {
  const found = parent[name];
  const isElement = (each: unknown): each is Element => typeof each === 'object' && each !== null;
  return Array.isArray(found) ? found.filter(isElement) : [];
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value.trim() !== '' ? value.trim() : undefined;
}

function textAt(element: Element, ...path: string[]): string | undefined {
  const parents = path.slice(0, -1);
  const last = path.at(-1) ?? '';
  const parent = parents.reduce<Element | undefined>((at, name) => at && child(at, name), element);
  return parent && text(parent[last]);
}

/** `45 C`, `12.5 W`, `1410 MHz`, `3 %`: the number. `N/A` and what is no number is absent. */
function numberAt(element: Element, ...path: string[]): number | undefined {
  const match = /^(\d+(?:\.\d+)?)(?: (?:C|W|MHz|%))?$/.exec(textAt(element, ...path) ?? '');
  return match ? Number(match[1]) : undefined;
}

function bytesAt(element: Element, ...path: string[]): number | undefined {
  const match = /^(\d+) MiB$/.exec(textAt(element, ...path) ?? '');
  return match ? Number(match[1]) * 2 ** 20 : undefined;
}

function present<T extends object>(values: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as never;
}

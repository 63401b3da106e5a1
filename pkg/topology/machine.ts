import { RiverError } from '../base/index.ts';
import { readCpus } from './cpus.ts';
import type { FileReader } from './file-reader.ts';

/** Facts that stay while the machine is up. */
export interface Machine {
  /** CPUs that are online and that this process may run on. */
  cores: number;
  /** Bytes. */
  memoryBytes: number;
  kernel: string;
  /** As people know it: `Debian GNU/Linux 12 (bookworm)`. */
  os: string;
  /** Another one after each boot. */
  bootId: string;
}

/** Raises `ServiceUnavailable` when memory or boot id cannot be read: guesses there would start or lose work wrongly. */
export function readMachine(reader: FileReader): Machine {
  return {
    cores: readCpus(reader).found.usable.length,
    memoryBytes: readMemory(reader).totalBytes,
    kernel: reader.read('/proc/sys/kernel/osrelease')?.trim() || 'unknown',
    os: readOs(reader),
    bootId: readBootId(reader),
  };
}

export function readBootId(reader: FileReader): string {
  return needed('/proc/sys/kernel/random/boot_id', reader.read('/proc/sys/kernel/random/boot_id')?.trim());
}

export interface MemoryFigures {
  totalBytes: number;
  /** Not available to new programs: caches that the kernel can drop are not counted. Undefined on kernels that do not tell. */
  usedBytes?: number;
}

export function readMemory(reader: FileReader): MemoryFigures {
  const text = reader.read('/proc/meminfo') ?? '';
  const totalBytes = needed('/proc/meminfo', meminfoBytes(text, 'MemTotal'));
  const availableBytes = meminfoBytes(text, 'MemAvailable');
  if (availableBytes === undefined) return { totalBytes };
  return { totalBytes, usedBytes: Math.max(0, totalBytes - availableBytes) };
}

function meminfoBytes(text: string, field: string): number | undefined {
  const match = new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(text);
  return match ? Number(match[1]) * 1024 : undefined;
}

/** os-release(5): shell-like assignments, values mostly in double quotes. */
function readOs(reader: FileReader): string {
  const text = reader.read('/etc/os-release') ?? reader.read('/usr/lib/os-release') ?? '';
  const value = /^PRETTY_NAME=(.*)$/m.exec(text)?.[1]?.trim();
  return value?.replace(/^(["'])(.*)\1$/, '$2') || 'Linux';
}

function needed<T extends string | number>(path: string, value: T | undefined): T {
  if (value) return value;
  throw new RiverError(
    'ServiceUnavailable',
    `cannot read ${path}: it is missing or not what Linux writes there. Mount /proc where the runner runs.`,
  );
}

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseCpuList } from './cpu-list.ts';
import { type FileReader, fileReader } from './file-reader.ts';
import { readBootId, readMachine, readMemory } from './machine.ts';
import { cpuUse, readCpuTemperature, readCpuTimes } from './usage.ts';

/** A machine as a table of its files. */
function machineOf(files: Record<string, string>): FileReader {
  return {
    read: (path) => files[path],
    list(path) {
      const inside = Object.keys(files).filter((file) => file.startsWith(`${path}/`));
      return [...new Set(inside.map((file) => file.slice(path.length + 1).split('/')[0] ?? ''))].sort();
    },
  };
}

/** 8 CPUs, of which CPU 5 is offline, on a server with Debian 12. */
const server: Record<string, string> = {
  '/sys/devices/system/cpu/online': '0-4,6-7\n',
  '/proc/self/status': 'Name:\tnode\nCpus_allowed:\tff\nCpus_allowed_list:\t0-7\nMems_allowed_list:\t0\n',
  '/proc/meminfo': 'MemTotal:       16384256 kB\nMemFree:          512000 kB\nMemAvailable:    8192000 kB\n',
  '/proc/sys/kernel/osrelease': '6.1.0-18-amd64\n',
  '/proc/sys/kernel/random/boot_id': '5c3d6ad4-98a5-4f5c-8e33-6a9a0f5fa6cf\n',
  '/etc/os-release': 'ID=debian\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n',
  '/proc/stat':
    'cpu  100 0 50 800 50 0 0 0 7 0\ncpu0 50 0 25 400 25 0 0 0 0 0\ncpu1 50 0 25 400 25 0 0 0 0 0\nbtime 1\n',
};

describe('readMachine', () => {
  test('a server', () => {
    expect(readMachine(machineOf(server))).toEqual({
      cores: 7,
      memoryBytes: 16384256 * 1024,
      kernel: '6.1.0-18-amd64',
      os: 'Debian GNU/Linux 12 (bookworm)',
      bootId: '5c3d6ad4-98a5-4f5c-8e33-6a9a0f5fa6cf',
    });
  });

  test('a cpuset of the runner limits the cores', () => {
    const limited = { ...server, '/proc/self/status': 'Cpus_allowed_list:\t4-5\n' };
    expect(readMachine(machineOf(limited)).cores).toBe(1);
  });

  test.each([
    ['no sysfs: counts the CPUs in /proc/stat', '', 2],
    ['broken list', '0-3,x', 2],
    ['reversed range', '7-0', 2],
  ])('%s', (_name, online, cores) => {
    expect(readMachine(machineOf({ ...server, '/sys/devices/system/cpu/online': online })).cores).toBe(cores);
  });

  test('nothing about CPUs at all still is one core; no os-release is Linux', () => {
    const { '/proc/meminfo': meminfo = '', '/proc/sys/kernel/random/boot_id': boot = '' } = server;
    const bare = machineOf({ '/proc/meminfo': meminfo, '/proc/sys/kernel/random/boot_id': boot });
    expect(readMachine(bare)).toMatchObject({ cores: 1, os: 'Linux', kernel: 'unknown' });
  });

  test.each([
    ['/proc/meminfo', ''],
    ['/proc/meminfo', 'MemTotal: lots\n'],
    ['/proc/sys/kernel/random/boot_id', '\n'],
  ])('a broken %s is refused, by name', (path, text) => {
    expect(() => readMachine(machineOf({ ...server, [path]: text }))).toThrow(`cannot read ${path}`);
  });

  test('an old kernel without MemAvailable has no figure of use', () => {
    const old = machineOf({ '/proc/meminfo': 'MemTotal: 1000 kB\nMemFree: 10 kB\n' });
    expect(readMemory(old)).toEqual({ totalBytes: 1_024_000 });
    expect(readMemory(machineOf(server)).usedBytes).toBe((16384256 - 8192000) * 1024);
  });
});

describe('cpu use', () => {
  const at = (line: string) => readCpuTimes(machineOf({ '/proc/stat': line }));

  test('is the busy part of the time between two readings', () => {
    const before = at('cpu  100 0 50 800 50 0 0 0 0 0\n')!;
    expect(before).toEqual({ busy: 150, total: 1000, cpus: 0 });
    const cpus = 'cpu0 1 2 3 4\ncpu1 1 2 3 4\n';
    const after = at(`cpu  150 0 60 980 60 0 0 0 0 0\n${cpus}intr 1\n`)!;
    expect(cpuUse(before, after)).toEqual({ percent: 24, cores: 0.48 });
    expect(cpuUse(before, before)).toBeUndefined();
  });

  test('guest time is not counted twice', () => {
    expect(at('cpu  100 0 0 100 0 0 0 0 90 0\n')).toEqual({ busy: 100, total: 200, cpus: 0 });
  });

  test.each(['', 'cpu  1 2\n', 'cpu  a b c d\n', 'cpu0 1 2 3 4\n'])('broken: %j', (text) => {
    expect(at(text)).toBeUndefined();
  });
});

describe('cpu temperature', () => {
  const zone = (number: number, type: string, temp: string) => ({
    [`/sys/class/thermal/thermal_zone${number}/type`]: `${type}\n`,
    [`/sys/class/thermal/thermal_zone${number}/temp`]: `${temp}\n`,
  });

  test('is that of the hottest CPU sensor, not of a disk', () => {
    const files = {
      '/sys/class/hwmon/hwmon0/name': 'nvme\n',
      '/sys/class/hwmon/hwmon0/temp1_input': '83000\n',
      '/sys/class/hwmon/hwmon1/name': 'coretemp\n',
      '/sys/class/hwmon/hwmon1/temp1_input': '51000\n',
      '/sys/class/hwmon/hwmon1/temp2_input': '54500\n',
      '/sys/class/hwmon/hwmon1/temp2_crit': '100000\n',
      ...zone(0, 'acpitz', '90000'),
      ...zone(1, 'x86_pkg_temp', '52000'),
    };
    expect(readCpuTemperature(machineOf(files))).toBe(54.5);
  });

  test('falls back to the ACPI zone, and to nothing', () => {
    expect(
      readCpuTemperature(machineOf({ ...zone(0, 'acpitz', '41000'), ...zone(1, 'iwlwifi_1', '60000') })),
    ).toBe(41);
    expect(readCpuTemperature(machineOf(zone(0, 'iwlwifi_1', '60000')))).toBeUndefined();
    expect(readCpuTemperature(machineOf({}))).toBeUndefined();
  });

  test.each(['', '0', '-273000', '255000', 'N/A'])('a broken sensor that shows %j is left out', (temp) => {
    const files = { ...zone(0, 'x86_pkg_temp', temp), ...zone(1, 'cpu-thermal', '40000') };
    expect(readCpuTemperature(machineOf(files))).toBe(40);
  });
});

test('parseCpuList', () => {
  expect(parseCpuList('0-2,8,1\n')).toEqual([0, 1, 2, 8]);
  expect(parseCpuList('')).toEqual([]);
  for (const broken of ['a', '1-', '3-1', '1,,2', '0-99999']) expect(parseCpuList(broken)).toBeUndefined();
});

test('the file reader stays below its root and treats what cannot be read as absent', () => {
  const root = mkdtempSync(join(tmpdir(), 'river-topology-'));
  try {
    for (const [path, text] of Object.entries(server)) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), text);
    }
    const reader = fileReader(root);
    expect(readMachine(reader)).toEqual(readMachine(machineOf(server)));
    expect(reader.list('/proc/sys')).toEqual(['kernel']);
    expect(reader.list('/nowhere')).toEqual([]);
    expect(reader.read('/proc')).toBeUndefined();
  } finally {
    rmSync(root, { recursive: true });
  }
});

test('this machine', () => {
  const reader = fileReader('/');
  const machine = readMachine(reader);
  expect(machine.cores).toBeGreaterThan(0);
  expect(machine.memoryBytes).toBeGreaterThan(2 ** 26);
  expect(machine.bootId).toBe(readBootId(reader));
  expect(readCpuTimes(reader)?.total).toBeGreaterThan(0);
});

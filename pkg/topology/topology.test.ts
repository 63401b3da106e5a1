import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { CommandAnswer, CommandRunner } from './command-runner.ts';
import { commandRunner } from './command-runner.ts';
import { commonCpus, formatCpuList, parseCpuList, withoutCpus } from './cpu-list.ts';
import { readCpus } from './cpus.ts';
import { fileReader } from './file-reader.ts';
import { type Files, machineFiles, range, readerOf, type Shape, shapes } from './fixtures/machine.ts';
import { TopologyReader } from './topology.ts';

const text = (name: string) => readFileSync(new URL(`fixtures/${name}`, import.meta.url), 'utf8');
const absent: CommandAnswer = { stdout: '', stderr: '', end: 'missing' };
const says = (stdout: string, end: CommandAnswer['end'] = 'ok', stderr = ''): CommandAnswer => ({
  stdout,
  stderr,
  end,
});

/** Answers of nvidia-smi by its first argument. */
function smi(answers: Record<string, CommandAnswer>): CommandRunner {
  return async (program, [first = '']) => (program === 'nvidia-smi' ? (answers[first] ?? absent) : absent);
}

function topologyOf(files: Files, run: CommandRunner = smi({}), reservedCores = 0) {
  return new TopologyReader({ reader: readerOf(files), run, fixed: {}, reservedCores }).read();
}

const shaped = (shape: Shape) => topologyOf(machineFiles(shape));

test('lists of CPUs', () => {
  expect(formatCpuList([8, 1, 0, 2, 8])).toBe('0-2,8');
  expect(formatCpuList([])).toBe('');
  expect(parseCpuList(formatCpuList([5, 4, 9]))).toEqual([4, 5, 9]);
  expect(commonCpus([0, 1, 2], [2, 0])).toEqual([0, 2]);
  expect(withoutCpus([0, 1, 2], [2, 0])).toEqual([1]);
});

describe('shapes of machines', () => {
  test('one node with SMT', async () => {
    expect(await shaped(shapes.desktop)).toEqual({
      cpus: { online: '0-7', allocatable: '0-7', isolated: '', cores: ['0,4', '1,5', '2,6', '3,7'] },
      numa: [{ id: 0, cpus: '0-7', memory: 32_768 * 2 ** 20, distances: [10] }],
      gpus: [],
      usage: [],
      problems: [],
    });
  });

  test('two sockets with SMT', async () => {
    const { cpus, numa, problems } = await shaped(shapes.twoSockets);
    expect(numa.map((node) => node.cpus)).toEqual(['0-15,32-47', '16-31,48-63']);
    expect(numa.map(({ distances }) => distances)).toEqual([
      [10, 21],
      [21, 10],
    ]);
    expect(cpus.cores).toHaveLength(32);
    expect(cpus.cores[17]).toBe('17,49');
    expect(problems).toEqual([]);
  });

  test('sub-NUMA clusters and eight nodes', async () => {
    const four = await shaped(shapes.subNumaClusters);
    expect(four.numa.map(({ distances }) => distances?.[1])).toEqual([12, 10, 20, 20]);
    const eight = await shaped(shapes.eightNodes);
    expect(eight.numa.map(({ cpus }) => cpus).at(-1)).toBe('56-63');
    expect(eight.numa).toHaveLength(8);
  });

  test('nodes without CPUs or memory, and numbers that are left out', async () => {
    const { numa, problems } = await shaped(shapes.uneven);
    expect(numa).toMatchObject([
      { id: 0, cpus: '0-3' },
      { id: 1, cpus: '4-7', memory: 0 },
      { id: 3, cpus: '', memory: 256_000 * 2 ** 20, distances: [17, 28, 10] },
    ]);
    expect(problems).toEqual([]);
  });

  test('offline CPUs are nowhere, and their siblings are cores of one', async () => {
    const { cpus, numa } = await shaped({ ...shapes.desktop, offline: [4, 5] });
    expect(cpus).toMatchObject({ online: '0-3,6-7', cores: ['0', '1', '2,6', '3,7'] });
    expect(numa[0]?.cpus).toBe('0-3,6-7');
  });

  test('a cpuset around the runner; reserved cores are the lowest of it', async () => {
    const files = machineFiles({ ...shapes.desktop, allowed: [2, 3, 6, 7] });
    expect((await topologyOf(files)).cpus).toMatchObject({ online: '0-7', allocatable: '2-3,6-7' });
    expect((await topologyOf(files, smi({}), 1.5)).cpus.allocatable).toBe('3,6-7');
    expect((await topologyOf(files, smi({}), 99)).cpus.allocatable).toBe('');
  });

  test('isolated CPUs, which the kernel keeps the runner off, can be given out all the same', async () => {
    const isolated = { ...shapes.desktop, isolated: [3, 7], allowed: [0, 1, 2, 4, 5, 6] };
    expect((await shaped(isolated)).cpus).toMatchObject({ allocatable: '0-7', isolated: '3,7' });
    const limited = { ...isolated, allowed: [0, 1] };
    expect((await shaped(limited)).cpus.allocatable).toBe('0-1');
  });
});

describe('broken files', () => {
  const files = machineFiles(shapes.twoSockets);
  const node1 = '/sys/devices/system/node/node1';

  test('a NUMA node that cannot be read is left out, and said', async () => {
    const { numa, problems } = await topologyOf({ ...files, [`${node1}/cpulist`]: '16-x' });
    expect(numa).toEqual([{ id: 0, cpus: '0-15,32-47', memory: 128_000 * 2 ** 20, distances: [10] }]);
    expect(problems).toEqual([`${node1}/cpulist is missing or no list of CPUs: NUMA node 1 is left out`]);
    const { [`${node1}/meminfo`]: _gone, ...without } = files;
    expect((await topologyOf(without)).problems).toEqual([
      `${node1}/meminfo says no MemTotal: NUMA node 1 is left out`,
    ]);
  });

  test('distances that are no row of the table are not shown', async () => {
    const { numa } = await topologyOf({ ...files, [`${node1}/distance`]: '21\n' });
    expect(numa.map(({ distances }) => distances)).toEqual([[10, 21], undefined]);
  });

  test('siblings that contradict each other never put a CPU into two cores', async () => {
    const path = (cpu: number) => `/sys/devices/system/cpu/cpu${cpu}/topology/thread_siblings_list`;
    const { cpus, problems } = await topologyOf({
      ...files,
      [path(1)]: '0-1',
      [path(2)]: '9',
      [path(3)]: 'x',
    });
    expect(cpus.cores.slice(0, 4)).toEqual(['0,32', '1', '2', '3']);
    expect(cpus.cores.flatMap((core) => parseCpuList(core) ?? []).sort((a, b) => a - b)).toEqual(
      range(0, 64),
    );
    expect(problems).toEqual(['SMT siblings cannot be read for CPU 2, 3']);
  });

  test('no sysfs at all: one NUMA node of the CPUs that /proc/stat has', async () => {
    const { cpus, numa, problems } = await topologyOf({
      '/proc/stat': 'cpu  1 2 3 4\ncpu0 1 2 3 4\ncpu1 1 2 3 4\n',
      '/proc/meminfo': 'MemTotal: 1000 kB\n',
    });
    expect(cpus).toEqual({ online: '0-1', allocatable: '0-1', isolated: '', cores: ['0', '1'] });
    expect(numa).toEqual([{ id: 0, cpus: '0-1', memory: 1_024_000, distances: [10] }]);
    expect(problems).toHaveLength(2);
  });
});

describe('NVIDIA GPUs', () => {
  const files = {
    ...machineFiles(shapes.twoSockets),
    '/sys/bus/pci/devices/0000:3b:00.0/numa_node': '0\n',
    '/sys/bus/pci/devices/0000:af:00.0/numa_node': '1\n',
    '/sys/bus/pci/devices/0000:01:00.0/numa_node': '-1\n',
  };
  const a = 'GPU-5d5ba0d6-d33d-2b2c-524d-9e3d8d2b8a77';
  const b = 'GPU-1f0c4c3e-0b0e-4a57-9d7e-3a2b61c9d4aa';

  test('two models on two NUMA nodes, with 15 live values each', async () => {
    const { gpus, usage, problems } = await topologyOf(files, smi({ '-q': says(text('two-models.xml')) }));
    expect(gpus).toEqual([
      {
        ...{ index: 0, uuid: a, model: 'NVIDIA A100-PCIE-40GB', memory: 40_960 * 2 ** 20, numa: 0 },
        ...{ pciAddress: '0000:3b:00.0', driver: '550.54.15', health: 'Healthy' },
      },
      {
        ...{ index: 1, uuid: b, model: 'NVIDIA H100 NVL', memory: 95_830 * 2 ** 20, numa: 1 },
        ...{ pciAddress: '0000:af:00.0', driver: '550.54.15', health: 'Healthy' },
      },
    ]);
    // A card without fan says N/A.
    expect(usage[0]).toEqual({
      ...{ uuid: a, utilization: 37, memoryUtilization: 12, temperature: 45 },
      ...{ memoryTotal: 40_960 * 2 ** 20, memoryUsed: 1024 * 2 ** 20, memoryFree: 39_936 * 2 ** 20 },
      ...{ powerDraw: 128.5, powerLimit: 400, powerLimitDefault: 400, powerLimitMax: 400 },
      ...{ clockGraphics: 1410, clockSm: 1410, clockMemory: 1215, clockVideo: 1275 },
    });
    expect(problems).toEqual([]);
  });

  test('an older driver, a card with a fan, and firmware that names no NUMA node', async () => {
    const { gpus, usage } = await topologyOf(files, smi({ '-q': says(text('workstation.xml')) }));
    expect(gpus[0]).toMatchObject({ model: 'NVIDIA GeForce RTX 3090', health: 'Healthy' });
    expect(gpus[0]).not.toHaveProperty('numa');
    expect(usage[0]).toMatchObject({ fanSpeed: 41, powerLimit: 350, powerLimitMax: 366 });
    expect(Object.keys(usage[0] ?? {})).toHaveLength(16);
  });

  test('MIG instances stand in the place of their GPU; indexes are consecutive', async () => {
    const run = smi({ '-q': says(text('mig.xml')), '-L': says(text('mig.txt')) });
    const { gpus, usage, problems } = await topologyOf(files, run);
    expect(
      gpus.map(({ index, memory, mig }) => [index, memory / 2 ** 20, mig?.profile, mig?.parentUuid]),
    ).toEqual([
      [0, 19_968, '3g.20gb', a],
      [1, 4864, '1g.5gb', a],
      [2, 40_960, undefined, undefined],
    ]);
    expect(gpus[1]).toMatchObject({ uuid: 'MIG-0e2a9d5c-7a16-5e0c-8f5a-0d3a6b1f9e21', numa: 0 });
    expect(usage.map(({ uuid }) => uuid)).toEqual(gpus.map(({ uuid }) => uuid));
    expect(problems).toEqual([]);
    const without = await topologyOf(files, smi({ '-q': says(text('mig.xml')) }));
    expect(without.gpus.map(({ uuid }) => uuid)).toEqual([b]);
    expect(without.problems).toHaveLength(2);
  });

  test('what is sick is not given out, and says why; a fan alone is no reason', async () => {
    const { gpus, problems } = await topologyOf(files, smi({ '-q': says(text('sick.xml')) }));
    expect(gpus.map(({ health, healthMessage }) => healthMessage ?? health)).toEqual([
      'nvidia-smi shows ERR! for fb_memory_usage.used.',
      '3 uncorrectable ECC errors since the driver was loaded.',
      'nvidia-smi says Yes to remapped_rows.remapped_row_pending: reset it.',
      'Healthy',
      'the driver asks for this recovery: Drain and Reset.',
    ]);
    expect(problems).toEqual(['the GPU 0000:90:00.0 is left out: nvidia-smi shows GPU is lost for uuid']);
  });

  test('one that falls off the bus stays in the list, Unhealthy, and comes back with its index', async () => {
    const both = text('two-models.xml');
    const second = both.replace(/<gpu id="00000000:3B.*?<\/gpu>/s, '');
    let answer = says(both);
    const run: CommandRunner = async () => answer;
    const reader = new TopologyReader({ reader: readerOf(files), run, fixed: {}, reservedCores: 0 });
    await reader.read();
    answer = says(
      second,
      'failed',
      'Unable to determine the device handle for GPU 0000:3B:00.0: Unknown Error\n',
    );
    const lost = await reader.read();
    expect(lost.gpus.map(({ index, uuid, health }) => [index, uuid, health])).toEqual([
      [0, a, 'Unhealthy'],
      [1, b, 'Healthy'],
    ]);
    expect(lost.problems.join(' ')).toContain(`GPU 0 (${a}) is not shown any more`);
    answer = says('', 'timeout');
    expect((await reader.read()).gpus.map(({ health }) => health)).toEqual(['Unhealthy', 'Unhealthy']);
    answer = says(both);
    const back = await reader.read();
    expect(back.gpus.map(({ uuid, health }) => [uuid, health])).toEqual([
      [a, 'Healthy'],
      [b, 'Healthy'],
    ]);
    expect(back.problems).toEqual([]);
  });

  test('a GPU that is put into MIG mode is replaced by its instances, not lost', async () => {
    let answers = { '-q': says(text('two-models.xml')), '-L': says(text('mig.txt')) };
    const run: CommandRunner = (program, args) => smi(answers)(program, args);
    const reader = new TopologyReader({ reader: readerOf(files), run, fixed: {}, reservedCores: 0 });
    await reader.read();
    answers = { ...answers, '-q': says(text('mig.xml')) };
    const { gpus } = await reader.read();
    expect(gpus.map(({ index, uuid }) => [index, uuid.slice(0, 4)])).toEqual([
      [0, 'MIG-'],
      [1, 'GPU-'],
      [2, 'MIG-'],
    ]);
  });

  test.each([
    ['no program, no driver', absent, undefined, []],
    ['no program', absent, 'NVRM version: 550', [expect.stringContaining('there is no nvidia-smi')]],
    [
      'the driver is away',
      says('', 'failed', "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.\n"),
      undefined,
      [expect.stringContaining("fails: NVIDIA-SMI has failed because it couldn't communicate")],
    ],
    ['hanging', says('', 'timeout'), undefined, ['no GPU can be read: nvidia-smi does not answer']],
    [
      'half an answer',
      says(text('mig.xml').slice(0, 900)),
      undefined,
      [expect.stringContaining('not its XML')],
    ],
    ['other XML', says('<a/>'), undefined, [expect.stringContaining('not its XML')]],
  ])('%s', async (_name, answer, version, problems) => {
    const more: Files = version === undefined ? {} : { '/proc/driver/nvidia/version': version };
    const found = await topologyOf({ ...files, ...more }, smi({ '-q': answer }));
    expect(found).toMatchObject({ gpus: [], problems });
  });
});

test('what the configuration says wins over what the machine shows', async () => {
  const gpus = [{ index: 0, uuid: 'amd-0', model: 'MI300X', memory: 1, health: 'Healthy' as const }];
  const numa = [{ id: 4, cpus: '0-1', memory: 5 }];
  const asked: string[] = [];
  const run: CommandRunner = async (program) => {
    asked.push(program);
    return absent;
  };
  const reader = readerOf(machineFiles(shapes.desktop));
  const found = await new TopologyReader({ reader, run, fixed: { numa, gpus }, reservedCores: 0 }).read();
  expect(found).toMatchObject({ numa, gpus, problems: [] });
  expect(asked).toEqual([]);
});

test('memory that a virtual machine is given and taken is told in few steps, and never more than there is', async () => {
  let files = machineFiles(shapes.desktop);
  const read = (path: string) => files[path];
  const reader = { ...readerOf(files), read };
  const topology = new TopologyReader({ reader, run: async () => absent, fixed: {}, reservedCores: 0 });
  const memory = async (mebibytes: number) => {
    const [node] = shapes.desktop.numa;
    if (!node) throw new Error('no node');
    files = machineFiles({ ...shapes.desktop, numa: [{ ...node, mebibytes }] });
    return (await topology.read()).numa[0]?.memory ?? 0;
  };
  expect(await memory(8192)).toBe(8192 * 2 ** 20);
  expect(await memory(8320)).toBe(8192 * 2 ** 20);
  const less = await memory(8064);
  expect(less).toBeLessThanOrEqual(8064 * 2 ** 20);
  expect(await memory(8192)).toBe(less);
  expect(await memory(8064)).toBe(less);
});

test('programs of the machine: their answer, their failure, and their deadline', async () => {
  const run = commandRunner('/usr/bin:/bin', 10_000);
  expect(await run('sh', ['-c', 'echo "$LC_ALL"'])).toEqual({ stdout: 'C\n', stderr: '', end: 'ok' });
  expect(await run('sh', ['-c', 'echo no >&2; exit 3'])).toEqual({
    stdout: '',
    stderr: 'no\n',
    end: 'failed',
  });
  expect(await run('river-has-no-such-program', [])).toMatchObject({ end: 'missing' });
  expect(await commandRunner('/usr/bin:/bin', 50)('sleep', ['60'])).toMatchObject({ end: 'timeout' });
});

test('this machine', async () => {
  const reader = fileReader('/');
  const run = commandRunner('/nowhere', 1000);
  const { cpus, numa } = await new TopologyReader({ reader, run, fixed: {}, reservedCores: 0 }).read();
  expect(parseCpuList(cpus.allocatable)).toEqual(readCpus(reader).found.usable);
  expect(numa.length).toBeGreaterThan(0);
});

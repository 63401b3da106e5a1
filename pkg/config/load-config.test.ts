import { expect, test } from 'vitest';
import { type ConfigSource, loadConfig } from './load-config.ts';

const source = (
  text: string | undefined,
  env: Record<string, string> = {},
  hostname = 'box',
): ConfigSource => ({
  file: text === undefined ? undefined : 'c.yaml',
  env,
  readText: () => text ?? '',
  hostname,
});
const runner = 'host: https://127.0.0.1:8000\n';

function refusal(kind: 'host' | 'runner', from: ConfigSource): string {
  try {
    loadConfig(kind, from);
  } catch (error) {
    return (error as Error).message;
  }
  return 'no error';
}

test('the defaults of the host', () => {
  const defaults = {
    listen: { address: '127.0.0.1', port: 8000 },
    gateway: { port: 8002 },
    tls: { names: [] },
    stateDir: '/var/lib/river/host',
    logLevel: 'info',
    leaseMs: 30_000,
    defaults: { runtime: 'docker', privileged: false, mounts: [] },
    docker: { socket: '/var/run/docker.sock', cacheAgeMs: 7 * 86_400_000, minFreeBytes: 10_000_000_000 },
    compaction: { intervalMs: 300_000, keep: 10_000 },
    placementPolicy: 'leastLoaded',
  };
  expect(loadConfig('host', source(undefined))).toEqual(defaults);
  expect(loadConfig('host', source('# nothing yet\n'))).toEqual(defaults);
});

test('the defaults of a runner', () => {
  expect(loadConfig('runner', source(runner, {}, 'BOX'))).toEqual({
    host: 'https://127.0.0.1:8000',
    environments: { keepUnusedMs: 604_800_000, minFreeBytes: 10_000_000_000, bandwidth: 0 },
    name: 'box',
    stateDir: '/var/lib/river/runner',
    localTempDir: '/var/lib/river/runner/temp',
    logLevel: 'info',
    labels: {},
    runtimes: {
      docker: { enabled: true, socket: '/var/run/docker.sock' },
      systemd: { enabled: false },
      process: { enabled: false },
    },
    reserved: { milliCores: 0, memoryBytes: 0 },
    stopGraceMs: 10_000,
    topology: { gpuDevices: {} },
  });
});

test('what is written is read', () => {
  const text =
    'listen: {port: 9000}\nstateDir: /s\nsharedDir: /d\nleaseDuration: 1m\ndefaults: {mounts: ["/a:/b:ro"]}\ncompaction: {keep: 5}\n';
  expect(loadConfig('host', source(text))).toMatchObject({
    listen: { address: '127.0.0.1', port: 9000 },
    stateDir: '/s',
    sharedDir: '/d',
    leaseMs: 60_000,
    defaults: { runtime: 'docker', mounts: ['/a:/b:ro'] },
    compaction: { intervalMs: 300_000, keep: 5 },
  });
});

test('variables win over the file, with the types of their fields', () => {
  const env = {
    RIVER_RUNNER_HOST: 'https://[::1]:1/',
    RIVER_RUNNER_NAME: '5',
    RIVER_RUNNER_LABELS: '{gpu: a100}',
    RIVER_RUNNER_RUNTIMES_PROCESS_ENABLED: 'true',
    RIVER_RUNNER_RESERVED_CORES: '0.5',
    RIVER_RUNNER_RESERVED_MEMORY: '1Gi',
    RIVER_RUNNER_LOCAL_TEMP_DIR: '/tmp/x',
    RIVER_RUNNER_LOG_LEVEL: '',
    RIVER_HOST_LISTEN_PORT: 'not for a runner',
    PATH: '/bin',
  };
  expect(loadConfig('runner', source(`${runner}logLevel: warn\nlabels: {a: b}\n`, env))).toMatchObject({
    host: 'https://[::1]:1',
    name: '5',
    labels: { gpu: 'a100' },
    runtimes: { docker: { enabled: true }, process: { enabled: true } },
    reserved: { milliCores: 500, memoryBytes: 2 ** 30 },
    localTempDir: '/tmp/x',
    logLevel: 'warn',
  });
});

test('problems of the file have a line and a column', () => {
  expect(refusal('host', source('logLevel: info\nlisten:\n  prot: 8000\n'))).toBe(
    'c.yaml:3:3: listen.prot: unknown field; did you mean port?',
  );
  expect(refusal('host', source('listen:\n  address: 0.0.0.0\nleaseDuration: 5\n'))).toContain(
    'c.yaml:3:1: leaseDuration: must be text; found the number 5',
  );
  expect(refusal('host', source('tls:\n  names: [lab, "https://lab"]\n'))).toMatch(
    /^c\.yaml:2:16: tls\.names\[1\]: must be a host name or an address/,
  );
  expect(refusal('host', source('a: 1\na: 2\n'))).toBe('c.yaml:2:1: this key stands here twice; keep one');
  expect(refusal('host', source('a: 1\n---\nb: 1\n'))).toMatch(
    /^c\.yaml:3:1: a configuration is one document/,
  );
  expect(refusal('host', source('- a'))).toMatch(/^c\.yaml:1:1: must be a map of fields/);
});

test('problems of a variable have its name', () => {
  expect(refusal('host', source('', { RIVER_HOST_LISTEN_PORT: '99999' }))).toBe(
    'RIVER_HOST_LISTEN_PORT: listen.port: must be 65535 or less; found the number 99999',
  );
  expect(refusal('host', source('', { RIVER_HOST_DEFAULTS_MOUNTS: '["a:/b"]' }))).toMatch(
    /^RIVER_HOST_DEFAULTS_MOUNTS: defaults\.mounts\[0\]: must be SOURCE/,
  );
  expect(refusal('host', source('', { RIVER_HOST_DEFAULTS_MOUNTS: '[' }))).toMatch(
    /^RIVER_HOST_DEFAULTS_MOUNTS: defaults\.mounts: cannot be read as YAML/,
  );
  expect(refusal('host', source('', { RIVER_HOST_STATEDIR: '/x' }))).toBe(
    'RIVER_HOST_STATEDIR: this variable names no field; did you mean RIVER_HOST_STATE_DIR?',
  );
});

test('what is missing can be written or set', () => {
  expect(refusal('runner', source(undefined, { RIVER_RUNNER_NAME: 'a' }))).toBe(
    'river-runner: host: is required; write it in the file of --config or set RIVER_RUNNER_HOST',
  );
});

test.each([
  ['host: ftp://127.0.0.1', "must be the address of the host's API"],
  ['host: 127.0.0.1:8000', "must be the address of the host's API"],
  ['host: http://127.0.0.1:8000', "must be the address of the host's API, as in https"],
  ['host: https://u:p@127.0.0.1', "must be the address of the host's API"],
  ['host: https://127.0.0.1/path', "must be the address of the host's API"],
])('a runner does not talk to %s', (line, message) => {
  expect(refusal('runner', source(`${line}\n`))).toContain(`c.yaml:1:1: host: ${message}`);
});

test('every path is absolute, every value has its check', () => {
  const text = `${runner}name: A\nstateDir: a\nsharedDir: b\nlocalTempDir: c\nlabels: {"a b": c}\nreserved: {cores: 0.0001, memory: 1X}\nstopGrace: 1w\nruntimes: {docker: {socket: d}}\n`;
  const fields = refusal('runner', source(text))
    .split('\n')
    .map((line) => line.split(': ')[1]);
  expect(fields.sort()).toEqual(
    [
      'name',
      'stateDir',
      'sharedDir',
      'localTempDir',
      'labels["a b"]',
      'reserved.cores',
      'reserved.memory',
      'stopGrace',
      'runtimes.docker.socket',
    ].sort(),
  );
});

test("a host name that can be no Node's asks for one", () => {
  expect(refusal('runner', source(runner, {}, 'my_box'))).toMatch(
    /^c\.yaml:1:1: name: must be lower case .* \(the machine's host name\); write a name$/,
  );
});

test.each([
  ['ENOENT', 'there is no such file'],
  ['EACCES', 'EACCES: permission denied'],
])('a file that cannot be read (%s) is one clear sentence', (code, why) => {
  const readText = () => {
    throw Object.assign(new Error(`${code}: permission denied`), { code });
  };
  expect(refusal('host', { ...source(''), readText })).toBe(
    `c.yaml: the configuration of river-host cannot be read: ${why}`,
  );
});

const topology = `${runner}topology:
  numa:
    - {id: 0, cpus: "0-3", memory: 16G, distances: [10, 21]}
    - {id: 1, cpus: "4-7", memory: 16G, distances: [21, 10]}
  gpus:
    - {uuid: GPU-a, model: A100, memory: 40G, numa: 1}
    - {uuid: amd-0, model: MI300X, memory: 192Gi, devices: [/dev/kfd, /dev/dri/renderD128]}
`;

test('a written topology is read, with indexes and bytes', () => {
  expect(loadConfig('runner', source(topology)).topology).toEqual({
    numa: [
      { id: 0, cpus: '0-3', memory: 16e9, distances: [10, 21] },
      { id: 1, cpus: '4-7', memory: 16e9, distances: [21, 10] },
    ],
    gpus: [
      { index: 0, uuid: 'GPU-a', model: 'A100', memory: 40e9, numa: 1, health: 'Healthy' },
      { index: 1, uuid: 'amd-0', model: 'MI300X', memory: 192 * 2 ** 30, health: 'Healthy' },
    ],
    gpuDevices: { 'amd-0': ['/dev/kfd', '/dev/dri/renderD128'] },
  });
});

test.each([
  ['id: 1', 'id: 0', 'topology.numa[1].id: another NUMA node has the id 0; give each its own'],
  ['"4-7"', '"3-7"', 'topology.numa[1].cpus: CPU 3 stands there twice; a CPU is in one NUMA node'],
  ['"4-7"', '"7-4"', 'topology.numa[1].cpus: 7-4 goes backwards; write 4-7'],
  ['[10, 21]', '[10]', 'topology.numa[0].distances: must have 2 numbers, one for each NUMA node'],
  ['amd-0', 'GPU-a', 'topology.gpus[1].uuid: another GPU has the uuid GPU-a; give each its own'],
  ['/dev/kfd', 'kfd', 'topology.gpus[1].devices: must be absolute paths; found "kfd"'],
  ['numa: 1', 'numa: 2', 'topology.gpus[0].numa: there is no NUMA node 2 in numa'],
  ['40G', '40X', 'topology.gpus[0].memory: must be bytes'],
])('a written topology with %s as %s is refused', (written, wrong, message) => {
  expect(refusal('runner', source(topology.replace(written, wrong)))).toContain(message);
});

test('a default environment that cannot be made is refused', () => {
  const text = `defaults:
  environment:
    name: No Name
    spec:
      from: { image: a b }
      steps:
        - copy: { from: x, to: /x }
`;
  const message = refusal('host', source(text));
  expect(message).toContain('c.yaml:3:5: defaults.environment.name: must be lower case letters');
  expect(message).toContain(
    'c.yaml:5:15: defaults.environment.spec.from.image: must be the name of an image',
  );
  expect(message).toContain('c.yaml:7:11: defaults.environment.spec.steps[0].copy: cannot stand here');
});

import type {
  ClusterDefaults,
  EnvironmentSpec,
  Gpu,
  HostConfig,
  NumaNode,
  PlacementPolicy,
  RunnerConfig,
  StaticGpu,
} from '../api/index.ts';
import { parseCores, parseDuration, parseQuantity } from '../api/index.ts';
import type { LogLevel } from '../base/index.ts';

/** What river-host works with: every default filled in, every text read. */
export interface HostSettings {
  listen: { address: string; port: number };
  gateway: { port: number };
  tls: { names: readonly string[] };
  stateDir: string;
  sharedDir?: string;
  logLevel: LogLevel;
  leaseMs: number;
  defaults: ClusterDefaults;
  /** Made at the start when there is none of its name. */
  defaultEnvironment?: { name: string; spec: EnvironmentSpec };
  docker: { socket: string; cacheAgeMs: number; minFreeBytes: number };
  compaction: { intervalMs: number; keep: number };
  /** Of Tasks that do not say. */
  placementPolicy: PlacementPolicy;
}

/** What river-runner works with. */
export interface RunnerSettings {
  host: string;
  name: string;
  stateDir: string;
  sharedDir?: string;
  localTempDir: string;
  logLevel: LogLevel;
  labels: Readonly<Record<string, string>>;
  runtimes: {
    docker: { enabled: boolean; socket: string };
    systemd: { enabled: boolean };
    process: { enabled: boolean };
  };
  reserved: { milliCores: number; memoryBytes: number };
  /** Left out: a share of each volume. */
  minFreeBytes?: number;
  stopGraceMs: number;
  environments: { keepUnusedMs: number; minFreeBytes: number; bandwidth: number };
  topology: FixedTopology;
}

/** What the configuration says in place of what the machine shows. */
export interface FixedTopology {
  numa?: readonly NumaNode[];
  gpus?: readonly Gpu[];
  /** Device nodes of a GPU, by its UUID, where it has some. */
  gpuDevices: Readonly<Record<string, readonly string[]>>;
}

export interface Settings {
  host: HostSettings;
  runner: RunnerSettings;
}

export type ConfigKind = keyof Settings;

const shared = (sharedDir: string | undefined) => (sharedDir === undefined ? {} : { sharedDir });

/** Of a configuration without findings. */
export function hostSettings(config: HostConfig): HostSettings {
  const { environment, ...rest } = config.defaults ?? {};
  return {
    listen: { address: '127.0.0.1', port: 8000, ...config.listen },
    gateway: { port: config.gateway?.port ?? (config.listen?.port === 0 ? 0 : 8002) },
    tls: { names: config.tls?.names ?? [] },
    stateDir: config.stateDir ?? '/var/lib/river/host',
    ...shared(config.sharedDir),
    logLevel: config.logLevel ?? 'info',
    leaseMs: parseDuration(config.leaseDuration ?? '30s'),
    defaults: {
      runtime: 'docker',
      privileged: false,
      mounts: [],
      ...rest,
      ...(environment === undefined ? {} : { environment: environment.name }),
    },
    ...(environment === undefined ? {} : { defaultEnvironment: environment }),
    docker: {
      socket: config.docker?.socket ?? '/var/run/docker.sock',
      cacheAgeMs: parseDuration(config.docker?.cacheAge ?? '7d'),
      minFreeBytes: parseQuantity(config.docker?.minFree ?? '10G'),
    },
    compaction: {
      intervalMs: parseDuration(config.compaction?.interval ?? '5m'),
      keep: config.compaction?.keep ?? 10_000,
    },
    placementPolicy: config.scheduler?.policy ?? 'leastLoaded',
  };
}

/** Of a configuration without findings. `hostname`: of this machine. */
export function runnerSettings(config: RunnerConfig, hostname: string): RunnerSettings {
  const stateDir = config.stateDir ?? '/var/lib/river/runner';
  return {
    host: config.host.replace(/\/+$/, ''),
    name: config.name ?? hostname.toLowerCase(),
    stateDir,
    ...shared(config.sharedDir),
    localTempDir: config.localTempDir ?? `${stateDir.replace(/\/+$/, '')}/temp`,
    logLevel: config.logLevel ?? 'info',
    labels: config.labels ?? {},
    runtimes: {
      docker: { enabled: true, socket: '/var/run/docker.sock', ...config.runtimes?.docker },
      systemd: { enabled: false, ...config.runtimes?.systemd },
      process: { enabled: false, ...config.runtimes?.process },
    },
    reserved: {
      milliCores: parseCores(config.reserved?.cores ?? 0),
      memoryBytes: parseQuantity(config.reserved?.memory ?? 0),
    },
    ...(config.minFree === undefined ? {} : { minFreeBytes: parseQuantity(config.minFree) }),
    stopGraceMs: parseDuration(config.stopGrace ?? '10s'),
    environments: {
      keepUnusedMs: parseDuration(config.environments?.keepUnused ?? '7d'),
      minFreeBytes: parseQuantity(config.environments?.minFree ?? '10G'),
      bandwidth: parseQuantity(config.environments?.bandwidth ?? 0),
    },
    topology: fixedTopology(config.topology),
  };
}

function fixedTopology({ numa, gpus }: NonNullable<RunnerConfig['topology']> = {}): FixedTopology {
  const withDevices = (gpus ?? []).flatMap(({ uuid, devices }) =>
    devices ? [[uuid, devices] as const] : [],
  );
  return {
    ...(numa ? { numa: numa.map((node) => ({ ...node, memory: parseQuantity(node.memory) })) } : {}),
    ...(gpus ? { gpus: gpus.map(fixedGpu) } : {}),
    gpuDevices: Object.fromEntries(withDevices),
  };
}

function fixedGpu({ devices: _devices, ...gpu }: StaticGpu, index: number): Gpu {
  return { index, ...gpu, memory: parseQuantity(gpu.memory), health: 'Healthy' };
}

import type { Runtime } from '../api/index.ts';
import type { Clock, Logger, RiverError, Rng } from '../base/index.ts';
import type { Client, GatewayAddress } from '../client/index.ts';
import type { Executor } from '../executor/index.ts';
import type { Topology } from '../topology/index.ts';
import type { RunnerCounters } from './counters.ts';
import type { EnvironmentParts } from './environments/index.ts';
import type { Intents } from './intents.ts';

/** What the configuration of one machine says; every path is absolute. */
export interface RunnerSettings {
  /** Name of the Node. */
  name: string;
  /** Merged into the Node's labels; labels that people set under other keys stay. */
  labels: Readonly<Record<string, string>>;
  /** Kept back from runs: allocatable = capacity - reserved. */
  reserved: { cores: number; memoryBytes: number };
  /** What may be used here: Runs of other runtimes are refused. */
  runtimes: readonly Runtime[];
  /** Its folder `shared_data` is `/shared` in every workload. */
  sharedDir?: string;
  /** `/local_temp` in every workload. */
  localTempDir: string;
  /** Output of runs: `<logDir>/<namespace>/<run>.out|err`. */
  logDir: string;
  /** Between SIGTERM and SIGKILL, milliseconds. */
  stopGraceMs: number;
  /** Shown in the Node. */
  addresses: readonly string[];
  /** Device nodes of a GPU, by its UUID; those without are asked for by UUID. */
  gpuDevices: Readonly<Record<string, readonly string[]>>;
}

export interface MachineFacts {
  cores: number;
  memoryBytes: number;
  /** Shown in the Node: kernel, os, river. */
  versions: Record<string, string>;
}

export interface MachineUsage {
  cpuPercent?: number;
  cores?: number;
  memoryUsed?: number;
  cpuTemperature?: number;
}

export interface MachineReader {
  facts(): MachineFacts;
  /** May wait for a program of the machine. */
  topology(): Promise<Topology>;
  /** Since the call before, where that matters. */
  usage(): MachineUsage;
}

/** A folder whose volume must have room: for what the runner records, temporary files, output, or containers. */
export interface Volume {
  use: 'state' | 'temp' | 'logs' | 'engine';
  path: string;
}

export interface VolumeSpace {
  /** Bytes; `free`: for this process. */
  size: number;
  free: number;
  /** 0: as many as there is room for. */
  files: number;
  freeFiles: number;
}

export interface VolumeParts {
  list: readonly Volume[];
  /** Left out: a share of each volume. */
  minFreeBytes?: number;
  space(path: string): Promise<VolumeSpace>;
}

/** What the runner does to folders itself. Idempotent. */
export interface FolderOperations {
  /** With its parents. */
  ensureFolder(path: string): void;
  /** Also when it is not there. */
  removeFile(path: string): void;
}

/** The runner's end of the tunnel to the host, kept up by itself. */
export interface TunnelLink {
  /** `ssh-ed25519 AAAA…`: stands in the Node, so that the host knows it. */
  readonly publicKey: string;
  /** Called with every answer to a heartbeat: where the host takes tunnels; undefined: nowhere. */
  offered(gateway: GatewayAddress | undefined): void;
}

/** Everything that a runner is made of. */
export interface RunnerParts {
  settings: RunnerSettings;
  client: Client;
  /** Called once, as soon as it is known for which cluster. One executor for each of `settings.runtimes`. */
  executors: (clusterUid: string) => Executor[];
  /** Left out: this machine has no engine for them. */
  environments?: EnvironmentParts;
  /** Stays open when the runner stops: whoever opened it closes it. */
  intents: Intents;
  machine: MachineReader;
  readBootId: () => string;
  folders: FolderOperations;
  /** Left out: nobody looks whether there is room. */
  volumes?: VolumeParts;
  /** Left out: the host cannot reach into this machine. */
  tunnel?: TunnelLink;
  clock: Clock;
  rng: Rng;
  logger: Logger;
  counters: RunnerCounters;
  /** The runner has stopped acting and says why; what it had started goes on. */
  onEnded: (error: RiverError) => void;
}

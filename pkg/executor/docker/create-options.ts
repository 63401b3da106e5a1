import type { ContainerCreateOptions } from 'dockerode';
import type { ExecutionSpec } from '../index.ts';
import { gpuOptions } from './gpus.ts';
import { containerLabels, containerName } from './names.ts';

/** Where the script of a run is mounted. */
export const scriptTarget = '/.river-script';

export interface CreateSettings {
  bootId: string;
  /** The run's own parent group; undefined where its figures could not be read afterwards. */
  cgroupParent?: string;
  /** File with the script, on the engine's machine. */
  scriptPath: string;
  /** Whether the engine has its init (docker-init). */
  init: boolean;
  /** Names of the GPUs that the engine can give by CDI; left out: none. */
  cdi?: ReadonlySet<string>;
}

/**
 * Overrides whatever default the engine's own configuration has, because output is read from this log: a rotated
 * one would lose some, and `json-file` replaces every byte that is no UTF-8. The engine has no word for "no limit"
 * here; 10^18 bytes is one it never meets.
 */
const unrotated = {
  Type: 'local',
  Config: { 'max-size': '1000p', 'max-file': '1', compress: 'false', mode: 'blocking' },
};

/** As in Kubernetes: command is the entrypoint, args the CMD; what is left out is the image's own. */
function program(spec: ExecutionSpec): Pick<ContainerCreateOptions, 'Entrypoint' | 'Cmd'> {
  const entrypoint = spec.script === undefined ? spec.command : [scriptTarget];
  return {
    ...(entrypoint ? { Entrypoint: entrypoint } : {}),
    ...(spec.args || entrypoint ? { Cmd: spec.args ?? [] } : {}),
  };
}

function mounts(spec: ExecutionSpec, scriptPath: string) {
  const asked = spec.mounts.map((mount) => ({
    Type: 'bind' as const,
    Source: mount.source,
    Target: mount.target,
    ReadOnly: mount.readOnly,
  }));
  if (spec.script === undefined) return asked;
  return [...asked, { Type: 'bind' as const, Source: scriptPath, Target: scriptTarget, ReadOnly: true }];
}

/**
 * Init is on: as process 1 a program would not be ended by a SIGTERM that it does not handle, every stop would
 * take the whole grace period, and its orphans would stay zombies. Measured: no difference in time.
 */
export function createOptions(spec: ExecutionSpec, settings: CreateSettings): ContainerCreateOptions {
  const cpus = spec.sharedCpus ?? spec.cpus;
  return {
    name: containerName(spec.clusterUid, spec.runUid),
    Image: spec.image ?? '',
    ...program(spec),
    Env: Object.entries(spec.env).map(([name, value]) => `${name}=${value}`),
    ...(spec.workingDir === undefined ? {} : { WorkingDir: spec.workingDir }),
    Labels: containerLabels(spec, settings.bootId),
    HostConfig: {
      NetworkMode: 'host',
      Init: settings.init,
      Privileged: spec.privileged,
      Mounts: mounts(spec, settings.scriptPath),
      LogConfig: unrotated,
      ...(spec.milliCores > 0 ? { NanoCpus: spec.milliCores * 1_000_000 } : {}),
      // The same number for both: no swap beside the memory.
      ...(spec.memoryBytes > 0 ? { Memory: spec.memoryBytes, MemorySwap: spec.memoryBytes } : {}),
      ...(cpus === undefined ? {} : { CpusetCpus: cpus }),
      ...(spec.memoryNodes === undefined ? {} : { CpusetMems: spec.memoryNodes }),
      ...gpuOptions(spec.gpus ?? [], settings.cdi ?? new Set()),
      ...(settings.cgroupParent === undefined ? {} : { CgroupParent: settings.cgroupParent }),
    },
  };
}

import type Docker from 'dockerode';
import { containerLabels, containerName } from './identity.ts';
import type { ContainerLimits } from './types.ts';

/**
 * Does nothing, takes in what others leave behind, and ends at once when asked to. Of the image and not of the engine:
 * whoever works in it needs its shell anyway.
 */
const idle = [
  '/bin/sh',
  '-c',
  `trap 'exit 0' TERM; while sleep 2147483 & wait "$!"; do :; done; echo 'the sleep of this image has failed'`,
];

/** The shell of `idle`, and its sleep. */
export const idleProcesses = 2;

/** Of each of these, one has to be there. */
export const neededFiles: readonly (readonly string[])[] = [
  ['/bin/sh', '/usr/bin/sh'],
  ['/bin/sleep', '/usr/bin/sleep', '/sbin/sleep', '/usr/sbin/sleep'],
];

const hostNameLimit = 63;

export interface CreateRequest {
  /** Uid of the cluster. */
  host: string;
  /** Of the Environment. */
  name: string;
  digest: string;
  /** ID of the image that has the digest. */
  image: string;
  limits: ContainerLimits;
}

export function createOptions(request: CreateRequest): Docker.ContainerCreateOptions {
  const { host, name, digest, image, limits } = request;
  return {
    name: containerName(name),
    Hostname: name.replaceAll('.', '-').slice(0, hostNameLimit),
    Image: image,
    Entrypoint: idle,
    Cmd: [],
    Labels: containerLabels(host, name, digest),
    // As its steps and its Tasks have it.
    HostConfig: { NetworkMode: 'host', RestartPolicy: { Name: 'unless-stopped' }, ...limitOptions(limits) },
  };
}

const periodUs = 100_000;
/** The engine has no word for taking a limit of memory off again. */
const unlimitedMemory = 2 ** 50;

export function limitOptions({ milliCores, memoryBytes }: ContainerLimits) {
  const memory =
    memoryBytes === 0
      ? { Memory: unlimitedMemory, MemorySwap: -1 }
      : { Memory: memoryBytes, MemorySwap: memoryBytes };
  const CpuQuota = milliCores === 0 ? -1 : (milliCores * periodUs) / 1000;
  return { CpuPeriod: periodUs, CpuQuota, ...memory };
}

/** As they are, of a container that was made with `limitOptions`. */
export function limitsOf({ CpuQuota = 0, Memory = 0 }: Docker.HostConfig): ContainerLimits {
  return {
    milliCores: CpuQuota > 0 ? (CpuQuota * 1000) / periodUs : 0,
    memoryBytes: Memory < unlimitedMemory ? Memory : 0,
  };
}

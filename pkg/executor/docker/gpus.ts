import type { ContainerCreateOptions } from 'dockerode';
import type { ExecutionSpec } from '../index.ts';

type Gpus = NonNullable<ExecutionSpec['gpus']>;

/** The parts of the engine's `/info` that say how it gives GPUs to containers. */
export interface GpuInfo {
  /** Since API 1.50; devices of CDI specifications that it has read. */
  DiscoveredDevices?: { Source?: string; ID?: string }[] | null;
  Runtimes?: Record<string, unknown> | null;
}

/** How CDI names an NVIDIA GPU, before its UUID or index. */
export const cdiPrefix = 'nvidia.com/gpu=';

/** The NVIDIA devices that it can give by CDI, each under every name that it has. */
export function cdiNames({ DiscoveredDevices }: GpuInfo): ReadonlySet<string> {
  const found = (DiscoveredDevices ?? []).filter(({ Source }) => Source === 'cdi').map(({ ID }) => ID ?? '');
  return new Set(found.filter((name) => name.startsWith(cdiPrefix)));
}

const isByUuid = (name: string) => /=(GPU|MIG)-/.test(name);

/** Which way it gives NVIDIA GPUs, for people; '' where it knows of none. */
export function gpuNote(info: GpuInfo): string {
  const names = [...cdiNames(info)];
  const byUuid = names.filter(isByUuid).length;
  if (byUuid > 0) return ` NVIDIA GPUs are given by CDI: it knows ${byUuid} of them by their UUIDs.`;
  const hint =
    names.length === 0
      ? ''
      : ' because its CDI devices have no UUIDs as names: nvidia-ctk cdi generate --device-name-strategy=uuid makes them';
  const hasDriver = names.length > 0 || Object.hasOwn(info.Runtimes ?? {}, 'nvidia');
  return hasDriver ? ` NVIDIA GPUs are given by its nvidia driver${hint}.` : '';
}

export function needsEngine(gpus: Gpus): boolean {
  return gpus.some(({ devices }) => devices === undefined);
}

/**
 * NVIDIA's by UUID, which no reboot changes, and through the engine: by CDI where it knows all of them under these
 * names. Of others the device nodes themselves.
 */
export function gpuOptions(
  gpus: Gpus,
  cdi: ReadonlySet<string>,
): Pick<NonNullable<ContainerCreateOptions['HostConfig']>, 'DeviceRequests' | 'Devices'> {
  const uuids = gpus.filter(({ devices }) => devices === undefined).map(({ uuid }) => uuid);
  const paths = [...new Set(gpus.flatMap(({ devices }) => devices ?? []))];
  return {
    ...(uuids.length > 0 ? { DeviceRequests: [deviceRequest(uuids, cdi)] } : {}),
    ...(paths.length > 0 ? { Devices: paths.map(deviceNode) } : {}),
  };
}

function deviceRequest(uuids: readonly string[], cdi: ReadonlySet<string>) {
  const names = uuids.map((uuid) => `${cdiPrefix}${uuid}`);
  if (names.every((name) => cdi.has(name))) return { Driver: 'cdi', DeviceIDs: names };
  return { Driver: 'nvidia', DeviceIDs: [...uuids], Capabilities: [['gpu']] };
}

function deviceNode(path: string) {
  return { PathOnHost: path, PathInContainer: path, CgroupPermissions: 'rwm' };
}

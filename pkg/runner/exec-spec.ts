import { join } from 'node:path';
import { logPaths, type Mount, parseCores, parseMount, parseQuantity, type Run } from '../api/index.ts';
import { RiverError } from '../base/index.ts';
import type { ExecutionSpec } from '../executor/index.ts';
import { formatCpuList } from '../topology/index.ts';
import type { RunnerSettings } from './seams.ts';

type Settings = Pick<RunnerSettings, 'name' | 'sharedDir' | 'localTempDir' | 'logDir' | 'gpuDevices'>;

/** Where the program sees the folders of the machine. */
interface Folders {
  shared?: string;
  localTemp: string;
}

/** Everything that is needed to start the Run here. Raises `Invalid` for a Run that cannot be started anywhere. */
export function executionSpec(run: Run, settings: Settings, clusterUid: string): ExecutionSpec {
  const { metadata, spec } = run;
  const { uid, namespace, name } = metadata;
  if (!uid || !namespace || !name) throw new RiverError('Invalid', 'the run has no uid, namespace or name');
  const docker = spec.runtime === 'docker';
  const folders = docker ? containerFolders(settings) : machineFolders(settings);
  const paths = logPaths(settings.logDir, namespace, name);
  const workingDir = spec.workingDir ?? (docker ? folders.shared : undefined);
  const { command, args, script } = spec;
  const image = spec.placement?.environment?.digest ?? spec.image;
  return {
    runUid: uid,
    namespace,
    runName: name,
    clusterUid,
    runtime: spec.runtime,
    ...(command === undefined ? {} : { command }),
    ...(args === undefined ? {} : { args }),
    ...(script === undefined ? {} : { script }),
    ...(image === undefined ? {} : { image }),
    env: { ...riverVariables(run, settings, folders), ...spec.env },
    mounts: docker ? mountsOf(run, settings) : [],
    ...(workingDir === undefined ? {} : { workingDir }),
    privileged: spec.privileged ?? false,
    milliCores: parseCores(spec.resources?.cores ?? 0),
    memoryBytes: parseQuantity(spec.resources?.memory ?? 0),
    ...boundTo(run, settings),
    outPath: paths.out,
    errPath: paths.err,
  };
}

/** Only this part of the shared directory is shown to workloads: environments and logs lie beside it. */
function sharedData(sharedDir: string): string {
  return join(sharedDir, 'shared_data');
}

function containerFolders({ sharedDir }: Settings): Folders {
  return {
    ...(sharedDir === undefined ? {} : { shared: '/shared' }),
    localTemp: '/local_temp',
  };
}

function machineFolders({ sharedDir, localTempDir }: Settings): Folders {
  return {
    ...(sharedDir === undefined ? {} : { shared: sharedData(sharedDir) }),
    localTemp: localTempDir,
  };
}

function riverVariables(run: Run, settings: Settings, folders: Folders): Record<string, string> {
  return {
    RIVER_TASK: run.spec.task,
    RIVER_RUN: run.metadata.name ?? '',
    RIVER_NAMESPACE: run.metadata.namespace ?? '',
    RIVER_RUN_INDEX: String(run.spec.ordinal),
    RIVER_NODE: settings.name,
    ...bindingVariables(run),
    ...(folders.shared === undefined ? {} : { RIVER_SHARED_DIR: folders.shared }),
    RIVER_LOCAL_TEMP_DIR: folders.localTemp,
  };
}

/** As the binding has written it: what the Run is charged for is what it gets. */
function boundTo(
  { spec }: Run,
  { gpuDevices }: Settings,
): Pick<ExecutionSpec, 'cpus' | 'memoryNodes' | 'gpus'> {
  const { cpus, numaNodes, gpus } = spec.placement ?? {};
  return {
    ...(cpus === undefined ? {} : { cpus }),
    ...(numaNodes?.length ? { memoryNodes: formatCpuList(numaNodes) } : {}),
    ...(gpus?.length
      ? {
          gpus: gpus.map(({ index, uuid }) => {
            const devices = Object.hasOwn(gpuDevices, uuid) ? gpuDevices[uuid] : undefined;
            return { index, uuid, ...(devices ? { devices } : {}) };
          }),
        }
      : {}),
  };
}

/**
 * Outside of a container nothing but CUDA_VISIBLE_DEVICES keeps a program off GPUs: without any it is empty. In a
 * container the engine decides, and `void` keeps images that ask for all GPUs from getting them.
 */
function bindingVariables({ spec }: Run): Record<string, string> {
  const { cpus, numaNodes = [], gpus = [] } = spec.placement ?? {};
  const uuids = gpus.map(({ uuid }) => uuid).join(',');
  return {
    RIVER_CORES: String(spec.resources?.cores ?? 0),
    RIVER_CPUS: cpus ?? '',
    RIVER_NUMA_NODES: formatCpuList(numaNodes),
    RIVER_GPUS: gpus.map(({ index }) => index).join(','),
    ...(spec.runtime !== 'docker' ? { CUDA_VISIBLE_DEVICES: uuids } : {}),
    ...(spec.runtime === 'docker' && gpus.length === 0 ? { NVIDIA_VISIBLE_DEVICES: 'void' } : {}),
  };
}

/** The Run's own mounts win at the same target. */
function mountsOf(run: Run, settings: Settings): Mount[] {
  const { sharedDir, localTempDir } = settings;
  const all: Mount[] = [
    ...(sharedDir === undefined
      ? []
      : [{ source: sharedData(sharedDir), target: '/shared', readOnly: false }]),
    { source: localTempDir, target: '/local_temp', readOnly: false },
    ...(run.spec.mounts ?? []).map(parseMount),
  ];
  return [...new Map(all.map((mount) => [mount.target, mount])).values()];
}

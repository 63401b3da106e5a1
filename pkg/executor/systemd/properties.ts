import { normalize } from 'node:path';
import type { ExecutionSpec } from '../index.ts';
import { quoted } from './manager.ts';

export interface ServiceParts {
  workingDir: string;
  /** Program and arguments of the ExecStopPost. */
  recorder: string[];
  /** Between SIGTERM and SIGKILL, for what the program leaves in the background. */
  stopGraceMs: number;
}

/** A folder without `..`, `//` and a slash at its end: systemd takes no other. */
function plainPath(path: string): string {
  const plain = normalize(path);
  return plain.length > 1 && plain.endsWith('/') ? plain.slice(0, -1) : plain;
}

/**
 * The properties of a Run's service, as for `systemd-run --property`. Every user may read them. The memory limit is
 * exact to the byte; cores are 1000 µs of a second for each milli-core, which systemd writes for periods of 100 ms or
 * more. A child that runs out of memory does not end the rest, as in a container.
 */
export function serviceProperties(spec: ExecutionSpec, parts: ServiceParts): string[] {
  return [
    `Description=River run ${spec.namespace}/${spec.runName}`,
    'Type=exec',
    `WorkingDirectory=${plainPath(parts.workingDir)}`,
    `StandardOutput=append:${plainPath(spec.outPath)}`,
    `StandardError=append:${plainPath(spec.errPath)}`,
    `ExecStopPost=${parts.recorder.map(quoted).join(' ')}`,
    'KillMode=control-group',
    `TimeoutStopSec=${Math.max(1, Math.ceil(parts.stopGraceMs / 1000))}s`,
    'IgnoreSIGPIPE=no',
    'OOMPolicy=continue',
    'TasksMax=infinity',
    'CPUAccounting=yes',
    'MemoryAccounting=yes',
    ...(spec.milliCores > 0 ? [`CPUQuota=${spec.milliCores / 10}%`] : []),
    ...binding(spec),
    ...(spec.memoryBytes > 0 ? [`MemoryMax=${spec.memoryBytes}`, 'MemorySwapMax=0'] : []),
  ];
}

/**
 * Affinity and memory policy work on both versions of control groups; the cpusets of version 2, which systemd ignores
 * on version 1, hold also what changes its own affinity.
 */
function binding({ sharedCpus, memoryNodes, ...spec }: ExecutionSpec): string[] {
  const cpus = sharedCpus ?? spec.cpus;
  return [
    ...(cpus === undefined ? [] : [`CPUAffinity=${cpus}`, `AllowedCPUs=${cpus}`]),
    ...(memoryNodes === undefined
      ? []
      : ['NUMAPolicy=bind', `NUMAMask=${memoryNodes}`, `AllowedMemoryNodes=${memoryNodes}`]),
  ];
}

/** Namespace and name of the Run in the description of its service. */
export function ownerOf(description: string): { namespace: string; runName: string } {
  const [, namespace = '', runName = ''] = /^River run ([^/]+)\/(\S+)$/.exec(description) ?? [];
  return { namespace, runName };
}

import { createHash } from 'node:crypto';
import type { EnvironmentSpec, TaskSpec } from '../types.gen.ts';
import { parseDuration } from '../values/duration.ts';
import { gpuNeed } from '../values/gpus.ts';
import { parseCores, parseQuantity } from '../values/quantity.ts';

/** Grows when the rules below change; a hash of an older version says nothing about a change of the Task. */
export const hashVersion = 1;

/**
 * What a run is made of, and where it may be. Not in it: suspend, stopped, rerun, retry and ttlAfterFinished, which
 * change nothing that runs. Other spellings of one value (1Gi and 1024Mi, no env and an empty one) are the same.
 */
function executionFields(spec: TaskSpec): Record<string, unknown> {
  const { cores, memory, gpus, numa, pin } = spec.resources ?? {};
  return {
    command: spec.command,
    args: spec.args,
    script: spec.script,
    environment: spec.environment,
    image: spec.image,
    runtime: spec.runtime,
    targets: spec.targets,
    nodeSelector: spec.nodeSelector,
    tolerations: spec.tolerations,
    milliCores: cores === undefined ? undefined : parseCores(cores),
    memoryBytes: memory === undefined ? undefined : parseQuantity(memory),
    gpus: gpuNeed(gpus),
    numa: numa === 'none' ? undefined : numa,
    pin: pin || undefined,
    env: spec.env,
    mounts: spec.mounts,
    workingDir: spec.workingDir,
    privileged: spec.privileged || undefined,
    timeoutMs: spec.timeout === undefined ? undefined : parseDuration(spec.timeout),
  };
}

function isEmpty(value: unknown): boolean {
  return (
    value === undefined || (typeof value === 'object' && value !== null && Object.keys(value).length === 0)
  );
}

/** JSON with sorted keys and without empty members: the same for equal values, whatever their order of keys. */
function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value)
    .filter(([, member]) => !isEmpty(member))
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([key, member]) => `${JSON.stringify(key)}:${canonicalJson(member)}`);
  return `{${members.join(',')}}`;
}

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

/** Of a valid spec with its defaults. Another hash of the same version means: other runs are wanted. */
export function executionHash(spec: TaskSpec): { hash: string; version: number } {
  return { hash: sha256(canonicalJson(executionFields(spec))).slice(0, 32), version: hashVersion };
}

/**
 * Of what decides what comes out of a build: the same is not built again. `parentDigest`: of the Environment that it
 * is built from; without it, of what the manifest says alone.
 */
export function environmentHash({ from, steps, rebuild }: EnvironmentSpec, parentDigest?: string): string {
  return sha256(canonicalJson({ from, steps, rebuild, parentDigest })).slice(0, 32);
}

/**
 * The only name that this run of this Task can have: making it twice ends in AlreadyExists, and a Task that was
 * deleted and made again under the same name has other runs (its uid is in the hash).
 */
export function runName(run: {
  task: string;
  taskUid: string;
  revision: number;
  ordinal: number;
  attempt: number;
}): string {
  return `${run.task}-${sha256(`${run.taskUid}/${run.revision}`).slice(0, 8)}-${run.ordinal}-${run.attempt}`;
}

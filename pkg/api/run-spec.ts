import { RiverError } from '../base/index.ts';
import { runName } from './hash.ts';
import { apiVersion, labels } from './objects.ts';
import type { Run, RunSpec, Task } from './types.gen.ts';

/** One entry a run, in the order of the ordinals: the node it must run on, or undefined where the scheduler chooses. */
export function taskTargets(task: Task): (string | undefined)[] {
  return task.spec.targets ?? [undefined];
}

export interface RunIdentity {
  revision: number;
  ordinal: number;
  attempt: number;
  /** How many attempts before it count for the limit of retry. */
  retries?: number;
}

/** Fields of the Task that its runs take over as they are. */
const copied = [
  'nodeSelector',
  'command',
  'args',
  'script',
  'image',
  'env',
  'mounts',
  'workingDir',
  'privileged',
  'timeout',
  'ttlAfterFinished',
] as const;

function runSpec(task: Task, identity: RunIdentity, target: string | undefined): RunSpec {
  const { spec } = task;
  const taken = Object.fromEntries(
    copied.flatMap((key) => (spec[key] === undefined ? [] : [[key, spec[key]]])),
  );
  return {
    task: task.metadata.name ?? '',
    ...identity,
    desired: 'Running',
    ...(target === undefined ? {} : { target }),
    runtime: spec.runtime ?? 'docker',
    resources: { cores: 1, ...spec.resources },
    ...taken,
  };
}

/**
 * The Run for one ordinal of a Task that the host has stored (with uid and defaults). Its labels are those of the
 * Task at this moment and `river.dev/task`. Raises `Invalid` for an ordinal that the Task does not have.
 */
export function buildRun(task: Task, identity: RunIdentity): Run {
  const { name = '', namespace = '', uid = '' } = task.metadata;
  const targets = taskTargets(task);
  if (!(identity.ordinal in targets)) {
    throw new RiverError(
      'Invalid',
      `Task ${name} has ${targets.length} runs and none with ordinal ${identity.ordinal}`,
    );
  }
  return {
    apiVersion,
    kind: 'Run',
    metadata: {
      name: runName({ task: name, taskUid: uid, ...identity }),
      namespace,
      labels: { ...task.metadata.labels, [labels.task]: name },
      ownerReferences: [{ apiVersion, kind: 'Task', name, uid, controller: true, blockOwnerDeletion: true }],
    },
    spec: runSpec(task, identity, targets[identity.ordinal]),
    status: { phase: 'Pending' },
  };
}

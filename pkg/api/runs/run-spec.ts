import { RiverError } from '../../base/index.ts';
import { apiVersion, labels } from '../objects.ts';
import { type TaskSweep, taskSweep } from '../spans/index.ts';
import type { Run, RunSpec, Task } from '../types.gen.ts';
import { runName } from './hash.ts';

/** How many runs a revision of the Task makes: targets × sweep points. */
export function runCount(task: Task, sweep = taskSweep(task.spec)): number {
  return (task.spec.targets?.length ?? 1) * sweep.size;
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
  'tolerations',
  'script',
  'environment',
  'image',
  'mounts',
  'workingDir',
  'privileged',
  'timeout',
  'ttlAfterFinished',
] as const;

/** Target-major: all points of the first target come first. */
function runSpec({ metadata, spec }: Task, sweep: TaskSweep, identity: RunIdentity): RunSpec {
  const target = spec.targets?.[Math.floor(identity.ordinal / sweep.size)];
  const point = identity.ordinal % sweep.size;
  const taken = Object.fromEntries(
    copied.flatMap((key) => (spec[key] === undefined ? [] : [[key, spec[key]]])),
  );
  return {
    task: metadata.name ?? '',
    ...identity,
    desired: 'Running',
    ...(target === undefined ? {} : { target }),
    runtime: spec.runtime ?? 'docker',
    resources: { cores: 1, ...spec.resources },
    ...taken,
    ...sweep.program(point),
    ...(sweep.size > 1 ? { point: sweep.values(point) } : {}),
  };
}

/**
 * The Run for one ordinal of a Task that the host has stored (with uid and defaults). Its labels are those of the
 * Task at this moment and `river.dev/task`. `sweep`: of this Task, for whoever builds many. Raises `Invalid` for an
 * ordinal that the Task does not have.
 */
export function buildRun(task: Task, identity: RunIdentity, sweep = taskSweep(task.spec)): Run {
  const { name = '', namespace = '', uid = '' } = task.metadata;
  const count = runCount(task, sweep);
  if (!(identity.ordinal >= 0 && identity.ordinal < count)) {
    throw new RiverError(
      'Invalid',
      `Task ${name} has ${count} runs and none with ordinal ${identity.ordinal}`,
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
    spec: runSpec(task, sweep, identity),
    status: { phase: 'Pending' },
  };
}

import type { Run, RunSpec, Task } from '../../api/index.ts';

/** What the loops of the host read of a Run; the rest only its runner does. */
const kept = [
  'task',
  'revision',
  'ordinal',
  'attempt',
  'retries',
  'desired',
  'evicted',
  'target',
  'point',
  'nodeSelector',
  'tolerations',
  'timeout',
  'runtime',
  'environment',
  'resources',
  'ttlAfterFinished',
  'placement',
] as const satisfies readonly (keyof RunSpec)[];

/**
 * A Run without its program, variables, mounts, … For the caches of the host, which hold every Run: a script may be as
 * long as a request.
 */
export function slimRun(run: Run): Run {
  const spec = Object.fromEntries(
    kept.flatMap((field) => (run.spec[field] === undefined ? [] : [[field, run.spec[field]]])),
  );
  return { ...run, spec: spec as unknown as RunSpec };
}

/** A Task without the book-keeping of server-side apply, which only the API reads. */
export function slimTask(task: Task): Task {
  const { managedFields: _managedFields, ...metadata } = task.metadata;
  return { ...task, metadata };
}

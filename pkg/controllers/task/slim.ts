import type { Run, Task } from '../../api/index.ts';

/**
 * A Run without what only its runner reads (program, environment, mounts, …). For the caches of the host, which
 * hold every Run: a script may be as long as a request.
 */
export function slimRun(run: Run): Run {
  const {
    task,
    revision,
    ordinal,
    attempt,
    retries,
    desired,
    evicted,
    environment,
    target,
    point,
    nodeSelector,
    runtime,
    resources,
    ttlAfterFinished,
    placement,
  } = run.spec;
  const spec = {
    task,
    revision,
    ordinal,
    attempt,
    retries,
    desired,
    evicted,
    environment,
    target,
    point,
    nodeSelector,
    runtime,
    resources,
    ttlAfterFinished,
    placement,
  };
  return { ...run, spec };
}

/** A Task without the book-keeping of server-side apply, which only the API reads. */
export function slimTask(task: Task): Task {
  const { managedFields: _managedFields, ...metadata } = task.metadata;
  return { ...task, metadata };
}

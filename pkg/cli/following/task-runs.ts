import { labels, type Run, runCount, type Task } from '../../api/index.ts';
import type { Client } from '../../client/index.ts';
import { type FollowSeams, followObject, listAll, patiently } from './follow.ts';

const ends = new Set(['Succeeded', 'Failed', 'Stopped']);

/** Runs of the revision that the task is at, by ordinal and attempt; those of older ones are read by their own name. */
export async function runsOf(client: Client, task: Task): Promise<Run[]> {
  const { items } = await listAll(client, 'Run', selectorOf(task));
  return items
    .filter((run) => belongsTo(run, task))
    .sort((a, b) => a.spec.ordinal - b.spec.ordinal || a.spec.attempt - b.spec.attempt);
}

function selectorOf(task: Task) {
  return { namespace: task.metadata.namespace, labelSelector: `${labels.task}=${task.metadata.name}` };
}

function belongsTo(run: Run, task: Task): boolean {
  const mine = run.metadata.ownerReferences?.some((owner) => owner.uid === task.metadata.uid) ?? false;
  return mine && run.spec.revision >= (task.status?.revision ?? 0);
}

function mayHaveSeveral(task: Task): boolean {
  return Math.max(task.status?.total ?? 0, runCount(task)) > 1 || (task.spec.retry?.limit ?? 0) > 0;
}

/** Whether the status was made for the spec as it is now. */
function isCurrent(task: Task): boolean {
  return (task.status?.observedGeneration ?? -1) >= (task.metadata.generation ?? 0);
}

/**
 * Calls `copy` once for each run of the task, also for those that are only made while this goes on, until the task
 * has ended or is gone and all copies have finished. `several`: whether the task has more than one run.
 */
export async function followTaskRuns(
  client: Client,
  task: Task,
  seams: FollowSeams,
  copy: (run: string, several: boolean) => Promise<void>,
): Promise<void> {
  const stop = new AbortController();
  const inner = { ...seams, signal: AbortSignal.any([seams.signal, stop.signal]) };
  const copies = new Map<string, Promise<void>>();
  let seen = task;
  const begin = (run: Run) => {
    const name = run.metadata.name ?? '';
    if (!isCurrent(seen) || !belongsTo(run, seen) || copies.has(name)) return;
    const copied = copy(name, mayHaveSeveral(seen));
    copied.catch(() => stop.abort());
    copies.set(name, copied);
  };
  try {
    for await (const state of followObject(
      client,
      'Task',
      task.metadata.namespace ?? '',
      task.metadata.name ?? '',
      inner,
    )) {
      if (!state || state.metadata.uid !== task.metadata.uid) break;
      seen = state;
      // Every change of a run's phase changes its task: looking at the task's runs then is enough.
      for (const run of await patiently(() => runsOf(client, seen), inner)) begin(run);
      if (isCurrent(seen) && ends.has(seen.status?.phase ?? '')) break;
    }
  } catch (error) {
    if (!stop.signal.aborted) throw error;
  }
  await Promise.all(copies.values());
}

import {
  finalizers,
  isConditionTrue,
  isTerminal,
  type ObjectOf,
  objectKey,
  parseDuration,
  parseOrdinals,
  type Run,
  type Task,
} from '../../api/index.ts';
import { type Clock, hasCode } from '../../base/index.ts';
import type { Client } from '../../client/index.ts';
import type { Controller, Informer, InformerSet, Result } from '../../controller/index.ts';

export interface RunReaperOptions {
  client: Client;
  informers: InformerSet;
  clock: Clock;
}

export class RunReaper implements Controller {
  readonly name = 'run-reaper';
  /** Bounds how many Runs are deleted at the same time. */
  readonly workers = 32;
  readonly #client: Client;
  readonly #clock: Clock;
  readonly #tasks: Informer<'Task'>;
  readonly #nodes: Informer<'Node'>;
  readonly #runs: Informer<'Run'>;
  readonly #runsOf: (taskKey: string) => Run[];

  /** By Task: Runs to look at again when their Task has changed, and only these: a Task may have very many. */
  readonly #unrecorded = new Map<string, Set<string>>();

  constructor({ client, informers, clock }: RunReaperOptions) {
    this.#client = client;
    this.#clock = clock;
    this.#tasks = informers.of('Task');
    this.#nodes = informers.of('Node');
    this.#runs = informers.of('Run');
    this.#runsOf = this.#runs.index('task', (run) => [taskKeyOf(run)]);
  }

  watch(enqueue: (key: string) => void): void {
    this.#runs.onChange((key, previous, current) => {
      if (current && (isOfInterest(current) || (!previous && !this.#hasOwner(current)))) enqueue(key);
      if (!current && previous) this.#forget(previous);
    });
    this.#tasks.onChange((taskKey, previous, current) => {
      const ttlChanged = previous?.spec.ttlAfterFinished !== current?.spec.ttlAfterFinished;
      const runs =
        !current || ttlChanged ? this.#runsOf(taskKey).map(keyOf) : (this.#unrecorded.get(taskKey) ?? []);
      for (const key of runs) enqueue(key);
    });
    this.#nodes.onChange((name, _previous, current) => {
      if (current && current.spec?.fencedAt === undefined) return;
      for (const run of this.#runs.list()) {
        if (run.metadata.deletionTimestamp && run.spec.placement?.node === name) enqueue(keyOf(run));
      }
    });
  }

  async reconcile(key: string): Promise<Result | undefined> {
    const run = this.#runs.get(key);
    if (!run) return undefined;
    if (run.metadata.deletionTimestamp) return await this.#release(run);
    if (await this.#isOrphan(run)) return await this.#delete(run);
    const leftMs = this.#leftMs(run);
    if (leftMs === undefined) return undefined;
    return leftMs > 0 ? { requeueAfterMs: leftMs } : await this.#delete(run);
  }

  /** Milliseconds until the Run is to be deleted; undefined when it stays, or its Task does not know yet how it ended. */
  #leftMs(run: Run): number | undefined {
    const task = this.#tasks.get(taskKeyOf(run));
    // The Task's own value counts: a change of it must not need new Runs.
    const ttl = task?.spec.ttlAfterFinished ?? run.spec.ttlAfterFinished;
    // Runs that have ended under an older host have only the time that their node says.
    const { phase = 'Pending', finishedAt, endedAt = finishedAt } = run.status ?? {};
    if (!task || ttl === undefined || !isTerminal(phase)) return undefined;
    if (!isRecorded(run, task)) {
      this.#awaitRecord(run);
      return undefined;
    }
    this.#forget(run);
    const since = Date.parse(endedAt ?? run.metadata.creationTimestamp ?? '');
    return Number.isNaN(since) ? 0 : since + parseDuration(ttl) - this.#clock.now();
  }

  #awaitRecord(run: Run): void {
    const taskKey = taskKeyOf(run);
    const waiting = this.#unrecorded.get(taskKey);
    if (waiting) waiting.add(keyOf(run));
    else this.#unrecorded.set(taskKey, new Set([keyOf(run)]));
  }

  #forget(run: Run): void {
    const waiting = this.#unrecorded.get(taskKeyOf(run));
    if (waiting?.delete(keyOf(run)) && waiting.size === 0) this.#unrecorded.delete(taskKeyOf(run));
  }

  #hasOwner(run: Run): boolean {
    const owner = run.metadata.ownerReferences?.find((reference) => reference.kind === 'Task');
    return !owner || this.#tasks.get(taskKeyOf(run))?.metadata.uid === owner.uid;
  }

  async #isOrphan(run: Run): Promise<boolean> {
    if (this.#hasOwner(run)) return false;
    const task = await this.#findStored('Task', run.metadata.namespace ?? '', run.spec.task);
    return !run.metadata.ownerReferences?.some((owner) => owner.uid === task?.metadata.uid);
  }

  async #delete(run: Run): Promise<undefined> {
    const { namespace = '', name = '', uid } = run.metadata;
    await unlessGone(this.#client.delete('Run', namespace, name, { uid }));
  }

  async #release(run: Run): Promise<undefined> {
    const { namespace = '', name = '', uid, resourceVersion } = run.metadata;
    const present = run.metadata.finalizers ?? [];
    if (!present.includes(finalizers.teardown) || !(await this.#isTornDown(run))) return;
    const left = present.filter((finalizer) => finalizer !== finalizers.teardown);
    const patch = { metadata: { uid, resourceVersion, finalizers: left } };
    await unlessGone(this.#client.patch('Run', namespace, name, patch));
  }

  /**
   * The runner has said so, or there is no runner to ask: the Run has no node, or a person has fenced or deleted its
   * Node, which says that the machine is gone. A fenced one that comes back removes what the host does not know.
   */
  async #isTornDown(run: Run): Promise<boolean> {
    if (!run.spec.placement || isConditionTrue(run.status?.conditions, 'TornDown')) return true;
    const { node } = run.spec.placement;
    const cached = this.#nodes.get(node);
    if (cached && cached.spec?.fencedAt === undefined) return false;
    const stored = await this.#findStored('Node', '', node);
    if (stored === undefined) return true;
    return stored.spec?.fencedAt !== undefined && isTerminal(run.status?.phase ?? 'Pending');
  }

  /** Asks the store before an absence is believed in: every cache follows at its own pace. */
  async #findStored<K extends 'Node' | 'Task'>(
    kind: K,
    namespace: string,
    name: string,
  ): Promise<ObjectOf<K> | undefined> {
    try {
      return await this.#client.get(kind, namespace, name);
    } catch (error) {
      if (hasCode(error, 'NotFound')) return undefined;
      throw error;
    }
  }
}

function keyOf(run: Run): string {
  return objectKey(run.metadata);
}

function taskKeyOf(run: Run): string {
  return `${run.metadata.namespace}/${run.spec.task}`;
}

function isOfInterest(run: Run): boolean {
  return run.metadata.deletionTimestamp !== undefined || isTerminal(run.status?.phase ?? 'Pending');
}

/** Whether the Task remembers how this ordinal ended, so that it is not made again when the Run is gone. */
function isRecorded(run: Run, task: Task): boolean {
  const { revision = 0, completed, ended } = task.status ?? {};
  if (run.spec.revision < revision) return true;
  const { ordinal } = run.spec;
  return (
    run.spec.revision === revision &&
    (parseOrdinals(completed).has(ordinal) || parseOrdinals(ended).has(ordinal))
  );
}

async function unlessGone(write: Promise<unknown>): Promise<undefined> {
  try {
    await write;
  } catch (error) {
    if (!hasCode(error, 'NotFound')) throw error;
  }
}

import { isDeepStrictEqual } from 'node:util';
import { finalizers, isActive, labels, type Run, type Task, type TaskStatus } from '../../api/index.ts';
import { type Clock, hasCode, timestamp } from '../../base/index.ts';
import type { Client } from '../../client/index.ts';
import {
  type Controller,
  type EventRecorder,
  forEachLimited,
  type Informer,
  type InformerSet,
  type Result,
} from '../../controller/index.ts';
import { planTask, type TaskPlan } from './plan.ts';

export interface TaskControllerOptions {
  client: Client;
  informers: InformerSet;
  events: EventRecorder;
  clock: Clock;
}

/** Writes for one Task under way at the same time: they share commits, and another Task gets its turn in between. */
const parallelWrites = 64;

export class TaskController implements Controller {
  readonly name = 'task';
  /** Tasks at the same time: each waits for commits most of the time, and all that wait share one. */
  readonly workers = 64;
  readonly #client: Client;
  readonly #events: EventRecorder;
  readonly #clock: Clock;
  readonly #tasks: Informer<'Task'>;
  readonly #runs: Informer<'Run'>;
  readonly #runsOf: (taskUid: string) => Run[];

  constructor({ client, informers, events, clock }: TaskControllerOptions) {
    this.#client = client;
    this.#events = events;
    this.#clock = clock;
    this.#tasks = informers.of('Task');
    this.#runs = informers.of('Run');
    this.#runsOf = this.#runs.index('owner', ownerUids);
  }

  watch(enqueue: (key: string) => void): void {
    this.#tasks.onChange((key) => enqueue(key));
    this.#runs.onChange((_key, previous, current) => {
      const run = current ?? previous;
      if (run) enqueue(`${run.metadata.namespace}/${run.spec.task}`);
    });
  }

  async reconcile(key: string): Promise<Result | undefined> {
    const task = this.#tasks.get(key);
    // Runs without a Task are the reaper's.
    if (!task) return undefined;
    const runs = this.#runsOf(task.metadata.uid ?? '');
    if (task.metadata.deletionTimestamp) {
      await this.#remove(task, runs);
      return undefined;
    }
    const plan = planTask(task, runs, this.#now());
    await this.#carryOut(task, plan);
    return plan.wakeAfterMs === undefined ? undefined : { requeueAfterMs: plan.wakeAfterMs };
  }

  /**
   * Status first: the revision has to be stored before a Run of it exists. A cache that is behind then ends in a
   * Conflict here, or in AlreadyExists below, and never in a second Run.
   */
  async #carryOut(task: Task, plan: TaskPlan): Promise<void> {
    await this.#writeStatus(task, plan.status);
    await forEachLimited(plan.want, parallelWrites, ({ run, desired }) => this.#want(run, desired));
    await forEachLimited(plan.settle, parallelWrites, (run) => this.#settle(run));
    await forEachLimited(plan.start, parallelWrites, (run) => this.#create(run));
    this.#report(task, plan);
  }

  /** Only when it says something new: otherwise every write would be the cause of the next. */
  async #writeStatus(task: Task, status: TaskStatus): Promise<void> {
    const before = task.status ?? {};
    if (isDeepStrictEqual(before, status)) return;
    const gone = Object.keys(before).filter((field) => !(field in status));
    const patch = { ...status, ...Object.fromEntries(gone.map((field) => [field, null])) };
    const { namespace = '', name = '', uid, resourceVersion } = task.metadata;
    const metadata = { uid, resourceVersion };
    await this.#client.patch('Task', namespace, name, { metadata, status: patch }, { subresource: 'status' });
  }

  async #create(run: Run): Promise<void> {
    try {
      await this.#client.create('Run', run);
    } catch (error) {
      // The name says that it is this very Run: the cache does not show it yet.
      if (!hasCode(error, 'AlreadyExists')) throw error;
    }
  }

  async #want(run: Run, desired: Run['spec']['desired']): Promise<void> {
    const { namespace = '', name = '', uid } = run.metadata;
    await unlessGone(this.#client.patch('Run', namespace, name, { metadata: { uid }, spec: { desired } }));
  }

  /** Only for the version that was seen: meanwhile it may have got a node. */
  async #settle(run: Run): Promise<void> {
    const { namespace = '', name = '', uid, resourceVersion } = run.metadata;
    const message = 'it was stopped before it started';
    const status = { phase: 'Stopped', reason: 'Stopped', message, finishedAt: this.#now() };
    const patch = { metadata: { uid, resourceVersion }, status };
    await unlessGone(this.#client.patch('Run', namespace, name, patch, { subresource: 'status' }));
  }

  /** Stops and deletes the Runs; the Task may go when the last of them is gone. */
  async #remove(task: Task, runs: readonly Run[]): Promise<void> {
    if (!task.metadata.finalizers?.includes(finalizers.runs)) return;
    await this.#showStopping(task);
    await forEachLimited(runs, parallelWrites, (run) => this.#removeRun(run));
    if (runs.length > 0 || (await this.#hasStoredRuns(task))) return;
    const { namespace = '', name = '', uid, resourceVersion } = task.metadata;
    const left = task.metadata.finalizers.filter((finalizer) => finalizer !== finalizers.runs);
    await unlessGone(
      this.#client.patch('Task', namespace, name, { metadata: { uid, resourceVersion, finalizers: left } }),
    );
  }

  async #showStopping(task: Task): Promise<void> {
    if (task.status?.phase === 'Stopping') return;
    const { namespace = '', name = '', uid } = task.metadata;
    const patch = { metadata: { uid }, status: { phase: 'Stopping' } };
    await unlessGone(this.#client.patch('Task', namespace, name, patch, { subresource: 'status' }));
  }

  async #removeRun(run: Run): Promise<void> {
    const { phase = 'Pending' } = run.status ?? {};
    if (isActive(phase) && phase !== 'Pending' && run.spec.desired !== 'Stopped')
      await this.#want(run, 'Stopped');
    if (run.metadata.deletionTimestamp) return;
    const { namespace = '', name = '', uid } = run.metadata;
    await unlessGone(this.#client.delete('Run', namespace, name, { uid }));
  }

  /** Asks the store, not the cache: a Run that was made a moment ago may not be cached yet. */
  async #hasStoredRuns(task: Task): Promise<boolean> {
    const { namespace, name, uid = '' } = task.metadata;
    const stored = await this.#client.list('Run', { namespace, labelSelector: `${labels.task}=${name}` });
    return stored.items.some((run) => ownerUids(run).includes(uid));
  }

  #report(task: Task, { start, status }: TaskPlan): void {
    if (start.length > 0) {
      const runs = start.length === 1 ? `run ${start[0]?.metadata.name}` : `${start.length} runs`;
      const message = `made ${runs} of revision ${status.revision}`;
      this.#events.record(task, { type: 'Normal', reason: 'RunsCreated', message });
    }
    if (status.phase === 'Failed' && task.status?.phase !== 'Failed') {
      const message = status.conditions?.find((condition) => condition.type === 'Failed')?.message ?? '';
      this.#events.record(task, { type: 'Warning', reason: 'RunsFailed', message });
    }
  }

  #now(): string {
    return timestamp(this.#clock.now());
  }
}

function ownerUids(run: Run): string[] {
  return (run.metadata.ownerReferences ?? []).map((owner) => owner.uid);
}

/** What is gone needs no write. Another object of the same name is a Conflict, by its uid. */
async function unlessGone(write: Promise<unknown>): Promise<void> {
  try {
    await write;
  } catch (error) {
    if (!hasCode(error, 'NotFound')) throw error;
  }
}

import {
  environmentObstacle,
  getCondition,
  objectKey,
  type PlacementPolicy,
  type Run,
  setCondition,
  type Task,
} from '../api/index.ts';
import {
  backoffDelay,
  type Clock,
  errorMessage,
  hasCode,
  type Logger,
  type Rng,
  timestamp,
} from '../base/index.ts';
import type { Client } from '../client/index.ts';
import {
  type Controller,
  type EventRecorder,
  forEachLimited,
  type Informer,
  type InformerSet,
  type Result,
} from '../controller/index.ts';
import { type Decision, decide, type Placement } from './decide.ts';
import { type Explanation, suspended } from './explain.ts';
import { Ledger } from './ledger.ts';
import { PendingRuns, type Rank } from './pending-runs.ts';

export interface SchedulerOptions {
  client: Client;
  informers: InformerSet;
  events: EventRecorder;
  clock: Clock;
  rng: Rng;
  logger: Logger;
  /** Of Tasks that do not say. */
  policy: PlacementPolicy;
}

/** Per round. All writes of a round share one commit; the limits let other requests in between two rounds. */
const placementsPerRound = 64;
const statementsPerRound = 128;
/** After a binding that the API has refused. */
const backoff = { baseMs: 50, capMs: 10_000 };
const roundKey = 'round';

/** A controller with one key: a round over everything that waits. Whatever happens during a round leads to one more. */
export class Scheduler implements Controller {
  readonly name = 'scheduler';
  readonly #options: SchedulerOptions;
  readonly #runs: Informer<'Run'>;
  readonly #nodes: Informer<'Node'>;
  readonly #tasks: Informer<'Task'>;
  readonly #environments: Informer<'Environment'>;
  readonly #runsOf: (taskKey: string) => Run[];
  readonly #runsIn: (environment: string) => Run[];
  readonly #pending = new PendingRuns();
  readonly #ledger = new Ledger();
  /** Runs whose binding was refused, until it is time to try again. */
  readonly #delayed = new Map<string, { attempt: number; untilMs: number }>();
  #enqueue: (key: string) => void = () => {};
  /** Where roundRobin has put its last one. */
  #last: string | undefined;

  constructor(options: SchedulerOptions) {
    this.#options = options;
    this.#runs = options.informers.of('Run');
    this.#nodes = options.informers.of('Node');
    this.#tasks = options.informers.of('Task');
    this.#environments = options.informers.of('Environment');
    this.#runsOf = this.#runs.index('task', (run) => [taskKeyOf(run)]);
    this.#runsIn = this.#runs.index('waits for environment', ({ spec }) =>
      spec.environment !== undefined && spec.placement === undefined ? [spec.environment] : [],
    );
  }

  watch(enqueue: (key: string) => void): void {
    this.#enqueue = enqueue;
    this.#runs.onChange((key, previous, current) => {
      const gotFree = this.#ledger.change(key, previous, current);
      if (this.#admit(key, current) || gotFree) enqueue(roundKey);
    });
    this.#nodes.onChange(() => enqueue(roundKey));
    this.#watchEnvironments(enqueue);
    this.#tasks.onChange((key, previous, current) => {
      if (previous && current && isSameTo(previous, current)) return;
      for (const run of this.#runsOf(key)) this.#admit(objectKey(run.metadata), run);
      enqueue(roundKey);
    });
  }

  #watchEnvironments(enqueue: (key: string) => void): void {
    this.#environments.onChange((name) => {
      for (const run of this.#runsIn(name)) if (this.#admit(objectKey(run.metadata), run)) enqueue(roundKey);
    });
  }

  async reconcile(): Promise<Result | undefined> {
    this.#readmit();
    const decision = decide({
      classes: this.#pending.classes(),
      nodes: this.#nodes.list().map((node) => ({ node, held: this.#ledger.on(node.metadata.name ?? '') })),
      limit: placementsPerRound,
      nowMs: this.#options.clock.now(),
      namespaces: this.#ledger.namespaces(),
      runsOn: (node) => this.#ledger.runsOn(node),
      last: this.#last,
    });
    this.#last = decision.last;
    // Both to their end, also when one fails: a round must not begin while writes of the one before are under way.
    const writes = [() => this.#bindAll(decision.placements), () => this.#tellAll(decision)];
    await forEachLimited(writes, writes.length, (write) => write());
    if (decision.placements.length === placementsPerRound || this.#hasUntold(decision))
      this.#enqueue(roundKey);
    return this.#nextLook(decision);
  }

  /** Puts the Run among those that wait, or takes it out. Answers whether it waits. */
  #admit(key: string, run: Run | undefined): boolean {
    if (!run || !isWaiting(run)) {
      this.#pending.delete(key);
      this.#delayed.delete(key);
      return false;
    }
    if (this.#ledger.isAssumed(key) || this.#isDelayed(key)) {
      this.#pending.delete(key);
      return false;
    }
    this.#pending.set(run, this.#rank(run), this.#hold(run));
    return true;
  }

  #rank(run: Run): Rank {
    const { priority = 0, policy = this.#options.policy } = this.#tasks.get(taskKeyOf(run))?.spec ?? {};
    return { priority, policy };
  }

  #hold(run: Run): { what: string; why: Explanation } | undefined {
    if (isSuspended(this.#tasks.get(taskKeyOf(run)))) return { what: 'suspended', why: suspended };
    const { environment } = run.spec;
    if (environment === undefined) return undefined;
    const obstacle = environmentObstacle(environment, this.#environments.get(environment));
    return (
      obstacle && { what: `environment ${environment}`, why: { reason: 'EnvironmentNotReady', ...obstacle } }
    );
  }

  #isDelayed(key: string): boolean {
    const delay = this.#delayed.get(key);
    return delay !== undefined && delay.untilMs > this.#options.clock.monotonic();
  }

  #readmit(): void {
    for (const key of this.#delayed.keys()) if (!this.#isDelayed(key)) this.#admit(key, this.#runs.get(key));
  }

  async #bindAll(placements: readonly Placement[]): Promise<void> {
    for (const placement of placements) {
      this.#ledger.assume(placement);
      this.#pending.delete(objectKey(placement.run.metadata));
    }
    await forEachLimited(placements, placementsPerRound, (placement) => this.#bind(placement));
  }

  async #bind({ run, node }: Placement): Promise<void> {
    const { client, events, logger } = this.#options;
    const { namespace = '', name = '', uid = '' } = run.metadata;
    const key = objectKey(run.metadata);
    try {
      await client.bind(namespace, name, { node, uid });
      this.#delayed.delete(key);
      this.#ledger.confirm(key, this.#runs.get(key));
      events.record(run, { type: 'Normal', reason: 'Scheduled', message: `bound to node ${node}` });
    } catch (error) {
      logger.debug('a binding was refused', { run: key, node, error: errorMessage(error) });
      this.#ledger.release(key);
      this.#delay(key);
    }
    this.#admit(key, this.#runs.get(key));
  }

  /** The cache was behind, or the store is not reachable: nothing is gained by asking again at once. */
  #delay(key: string): void {
    const { clock, rng } = this.#options;
    const attempt = this.#delayed.get(key)?.attempt ?? 0;
    const untilMs = clock.monotonic() + backoffDelay(backoff, attempt, rng);
    this.#delayed.set(key, { attempt: attempt + 1, untilMs });
  }

  async #tellAll({ blocked }: Decision): Promise<void> {
    const nowMs = this.#options.clock.monotonic();
    const statements: { run: Run; explanation: Explanation }[] = [];
    for (const [classKey, explanation] of blocked) {
      const limit = statementsPerRound - statements.length;
      const runs = this.#pending.takeUntold(classKey, explanation, nowMs, limit);
      statements.push(...runs.map((run) => ({ run, explanation })));
    }
    await forEachLimited(statements, statementsPerRound, ({ run, explanation }) =>
      this.#tell(run, explanation),
    );
  }

  async #tell(run: Run, { reason, message }: Explanation): Promise<void> {
    const { namespace = '', name = '', uid, resourceVersion } = run.metadata;
    const now = timestamp(this.#options.clock.now());
    const conditions = setCondition(
      run.status?.conditions,
      { type: 'Scheduled', status: 'False', reason, message },
      now,
    );
    const patch = {
      metadata: { uid, resourceVersion },
      status: { conditions: [getCondition(conditions, 'Scheduled')] },
    };
    try {
      await this.#options.client.patch('Run', namespace, name, patch, { subresource: 'status' });
    } catch (error) {
      if (hasCode(error, 'NotFound')) return;
      this.#pending.untell(run);
      throw error;
    }
  }

  #hasUntold({ blocked }: Decision): boolean {
    return [...blocked.keys()].some((classKey) => this.#pending.hasUntold(classKey));
  }

  #nextLook({ blocked }: Decision): Result | undefined {
    const nowMs = this.#options.clock.monotonic();
    // One whose time has come is in a class already, and waits for room like all others.
    const delays = [...this.#delayed.values()]
      .map(({ untilMs }) => untilMs - nowMs)
      .filter((left) => left > 0);
    const refreshes = [...blocked].flatMap(
      ([classKey, explanation]) => this.#pending.refreshIn(classKey, explanation, nowMs) ?? [],
    );
    const all = [...delays, ...refreshes];
    return all.length > 0 ? { requeueAfterMs: Math.min(...all) } : undefined;
  }
}

function isWaiting({ metadata, spec, status }: Run): boolean {
  const isPending = (status?.phase ?? 'Pending') === 'Pending' && spec.placement === undefined;
  return isPending && spec.desired === 'Running' && metadata.deletionTimestamp === undefined;
}

function isSuspended(task: Task | undefined): boolean {
  return task?.spec.suspend === true;
}

/** Nothing has changed of what the queue asks of a Task. */
function isSameTo({ spec: before }: Task, { spec: after }: Task): boolean {
  return (
    before.suspend === after.suspend && before.priority === after.priority && before.policy === after.policy
  );
}

function taskKeyOf(run: Run): string {
  return `${run.metadata.namespace}/${run.spec.task}`;
}

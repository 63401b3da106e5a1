import {
  getCondition,
  type Kind,
  type Node,
  type ObjectOf,
  parseDuration,
  type Run,
  type Task,
  taskSweep,
} from '../../pkg/api/index.ts';
import type { Store } from '../../pkg/store/index.ts';
import type { Offer } from './room.ts';
import { isCharged, isEnded } from './run-rules.ts';
import { shareOf } from './shares.ts';
import type { TrueExecution, Truth } from './truth.ts';
import type { TaskModel } from './user.ts';
import { untruths } from './waiting.ts';

const phaseOf = (run: Run) => run.status?.phase ?? 'Pending';
const isSuspended = ({ suspended, spec }: TaskModel) => suspended ?? spec.suspend ?? false;

async function listAll<K extends Kind>(store: Store, kind: K): Promise<ObjectOf<K>[]> {
  return (await store.list(kind)).records.map((record) => record.object as ObjectOf<K>);
}

/**
 * What is not yet as it must be in the end, one sentence each: every task as it was last acknowledged, its runs as
 * the machines really ran them, nothing left over anywhere. Empty = converged.
 */
export async function complaints(
  store: Store,
  models: readonly TaskModel[],
  truth: Truth,
): Promise<string[]> {
  const tasks = new Map((await listAll(store, 'Task')).map((task) => [task.metadata.name, task]));
  const runs = await listAll(store, 'Run');
  const paused = runs.filter((run) => phaseOf(run) === 'Paused');
  const nodes = await listAll(store, 'Node');
  const waiting = runs.filter((run) => phaseOf(run) === 'Pending');
  const around: Surroundings = {
    truth,
    offers: nodes.flatMap((node) => offerOf(node, runs, truth)),
    waiting,
  };
  const found: string[] = [];
  for (const model of models) {
    const task = tasks.get(model.name);
    if (!model.settled) found.push(`${model.name}: a person still waits`);
    else if (!model.exists && task) found.push(`${model.name}: deleted, but still there`);
    else if (model.exists && !task) found.push(`${model.name}: acknowledged, but not there`);
    else if (task) {
      const own = runs.filter((run) => run.metadata.ownerReferences?.[0]?.uid === task.metadata.uid);
      found.push(...complaintsOfTask(model, task, own, around).map((text) => `${model.name}: ${text}`));
    }
  }
  for (const run of runs) {
    if (!tasks.has(run.spec.task)) found.push(`${run.metadata.name}: its task is gone`);
    found.push(...complaintsOfRun(run, truth).map((text) => `${run.metadata.name}: ${text}`));
  }
  for (const node of nodes) {
    found.push(...complaintsOfNode(node));
  }
  return [...found, ...truth.leftOver(new Set(paused.map((run) => run.metadata.uid ?? '')))];
}

export function complaintsOfNode({ metadata, status }: Node): string[] {
  const ready = getCondition(status?.conditions, 'Ready');
  return ready?.status === 'True' ? [] : [`${metadata.name}: Ready is ${ready?.status} (${ready?.reason})`];
}

interface Surroundings {
  truth: Truth;
  /** Of every node: what it is and what is left of it. */
  offers: readonly Offer[];
  waiting: readonly Run[];
}

function offerOf(node: Node, runs: readonly Run[], truth: Truth): Offer[] {
  const { name } = node.metadata;
  const machine = truth.machine(name ?? '');
  const charged = runs.filter((run) => run.spec.placement?.node === name && isCharged(phaseOf(run)));
  const shares = charged.flatMap((run) => shareOf(run) ?? []);
  return machine ? [{ shape: machine.shape, topology: machine.topology(), node, shares }] : [];
}

function complaintsOfTask(model: TaskModel, task: Task, runs: Run[], around: Surroundings): string[] {
  const found = [...complaintsOfSpec(model, task)];
  const { status } = task;
  if (status?.observedGeneration !== task.metadata.generation)
    found.push('its last generation is not observed');
  for (const run of runs) {
    if (run.spec.revision !== status?.revision && !isEnded(phaseOf(run)))
      found.push('a run of an old revision is active');
  }
  const current = lastAttempts(runs.filter((run) => run.spec.revision === status?.revision));
  // The others are made when one of those that wait has ended.
  const isFull = (status?.active ?? 0) >= (model.spec.parallelism ?? Number.POSITIVE_INFINITY);
  for (const run of current)
    if (!isFull || !isToBeRetried(model, run)) found.push(...complaintsOfEnd(model, run, around));
  for (const run of current)
    if (String(run.spec.command) !== String(model.spec.command))
      found.push(`${run.metadata.name} is of ${run.spec.command}, acknowledged was ${model.spec.command}`);
  const phase = status?.phase ?? 'none';
  const allowed = expectedPhases(model, current);
  if (!allowed.includes(phase)) found.push(`phase ${phase}, expected ${allowed.join(' or ')}`);
  const listed = (status?.active ?? 0) + (status?.succeeded ?? 0) + (status?.failed ?? 0);
  const total = (model.spec.targets?.length ?? 1) * taskSweep(model.spec).size;
  if (status?.total !== total) found.push(`total ${status?.total}, expected ${total}`);
  if (!model.stopped && !model.mayBeStopped && !isSuspended(model) && listed !== total && !isFull) {
    found.push(
      `${status?.active} active, ${status?.succeeded} succeeded, ${status?.failed} failed of ${total}`,
    );
  }
  return found;
}

/** Nothing acknowledged is lost: the spec holds every field that was last written. */
function* complaintsOfSpec(model: TaskModel, task: Task): Generator<string> {
  if (task.metadata.uid !== model.uid) yield 'its uid changed';
  const wanted: Record<string, unknown> = { ...model.spec, stopped: model.stopped };
  if (model.suspended !== undefined) wanted.suspend = model.suspended;
  if (model.rerun !== undefined) wanted.rerun = model.rerun;
  const spec = task.spec as Record<string, unknown>;
  for (const [field, value] of Object.entries(wanted)) {
    if (
      field !== 'resources' &&
      value !== undefined &&
      JSON.stringify(spec[field]) !== JSON.stringify(value)
    ) {
      yield `spec.${field} is ${JSON.stringify(spec[field])}, acknowledged was ${JSON.stringify(value)}`;
    }
  }
  for (const field of [
    'timeout',
    'targets',
    'retry',
    'ttlAfterFinished',
    'args',
    'parallelism',
    'priority',
    'tolerations',
  ]) {
    if (!(field in model.spec) && spec[field] !== undefined) yield `spec.${field} should have been pruned`;
  }
}

/** Its task was suspended before its program ran, or its node was drained: it is made again when it may run. */
function isGivenBack(run: Run): boolean {
  return phaseOf(run) === 'Stopped' && (run.status?.reason === 'Suspended' || run.spec.evicted === true);
}

function isToBeRetried(model: TaskModel, run: Run): boolean {
  if (model.stopped || isSuspended(model) || phaseOf(run) !== 'Failed') return false;
  return (run.spec.retries ?? 0) < (model.spec.retry?.limit ?? 0);
}

/** Of every ordinal, the run that counts. */
function lastAttempts(runs: readonly Run[]): Run[] {
  return runs.filter(
    ({ spec }) =>
      !runs.some((other) => other.spec.ordinal === spec.ordinal && other.spec.attempt > spec.attempt),
  );
}

function expectedPhases(model: TaskModel, runs: Run[]): string[] {
  const { spec } = model;
  if (model.stopped) return ['Stopped', 'Succeeded', 'Failed'];
  if (isSuspended(model)) {
    if (runs.some((run) => !isEnded(phaseOf(run)) || isGivenBack(run))) return ['Suspended'];
    return ['Suspended', 'Succeeded', 'Failed', ...(model.mayBeStopped ? ['Stopped'] : [])];
  }
  if (runs.some((run) => phaseOf(run) === 'Pending')) return ['Pending', 'Running', 'Failed'];
  if (runs.some((run) => !isEnded(phaseOf(run)))) return ['(every run ended)'];
  if (model.mayBeStopped) return ['Succeeded', 'Failed', 'Stopped'];
  // Of runs that their ttl has removed, only the counts in the Task are left.
  if (spec.ttlAfterFinished !== undefined) return ['Succeeded', 'Failed'];
  return runs.every((run) => phaseOf(run) === 'Succeeded') ? ['Succeeded'] : ['Failed'];
}

/** Stopped needs a stop that somebody asked for. */
function complaintsOfEnd(model: TaskModel, run: Run, { truth, offers, waiting }: Surroundings): string[] {
  const phase = phaseOf(run);
  if (isGivenBack(run) && (isSuspended(model) || model.stopped)) return [];
  if (phase === 'Stopped' && !model.mayBeStopped && !model.stopped)
    return [`${run.metadata.name} is Stopped, nobody stopped it`];
  if (isSuspended(model) && !model.stopped && ['Pending', 'Paused'].includes(phase)) return [];
  if (phase === 'Pending' && !model.stopped)
    return [...untruths(run, offers, waiting)].map((text) => `${run.metadata.name} ${text}`);
  if (!isEnded(phase)) return [`${run.metadata.name} is ${phase}`];
  if (isToBeRetried(model, run)) return [`${run.metadata.name} has failed and is not tried again`];
  const neverRuns =
    run.spec.image === 'missing' || ['NodeRestarted', 'Fenced'].includes(run.status?.reason ?? '');
  if (phase !== 'Stopped' && !neverRuns && !truth.history(run.metadata.uid ?? '')) {
    return [`${run.metadata.name} is ${phase}(${run.status?.reason}) and never ran`];
  }
  return [];
}

/** What the store tells about a run's end is what really happened on the machine. */
export function complaintsOfRun(run: Run, truth: Truth): string[] {
  const { status } = run;
  const real = truth.history(run.metadata.uid ?? '');
  const phase = phaseOf(run);
  if (phase === 'Paused' && real?.pausedSinceMs !== undefined) return [];
  if (phase === 'Paused') return ['is told to be paused and is not'];
  if (!isEnded(phase)) return real?.live ? ['a program of it still runs'] : [];
  // Nobody knows what became of it, and it does not matter: its machine was declared dead.
  if (phase === 'Failed' && status?.reason === 'Fenced')
    return real?.live ? ['it is fenced and still runs'] : [];
  const allowed = real ? endsOf(run, real) : ['Stopped', 'Failed'];
  const told = `${phase}(${status?.reason})`;
  if (!allowed.includes(phase) && !allowed.includes(told)) {
    return [`told ${told}, really ${JSON.stringify(real)}`];
  }
  if (real?.killedBy === undefined && real?.exitCode !== undefined && status?.exitCode !== real.exitCode) {
    return phase === 'Stopped' || real.isForgotten
      ? []
      : [`told exit code ${status?.exitCode}, really ${real.exitCode}`];
  }
  return [];
}

function endsOf(run: Run, real: TrueExecution): string[] {
  // Nobody knows any more how it went, unless the host was told before.
  const lost = real.isForgotten ? ['Failed(RecordLost)', 'Failed(NodeRestarted)'] : [];
  if (real.killedBy === 'stop') {
    return ['Stopped', ...lost, ...(ranOut(run, real) ? ['Failed(DeadlineExceeded)'] : [])];
  }
  // A machine that restarts takes everything with it; what had been asked to stop is then stopped.
  if (real.killedBy === 'reboot') {
    return ['Failed(NodeRestarted)', 'Stopped', ...(ranOut(run, real) ? ['Failed(DeadlineExceeded)'] : [])];
  }
  if (real.killedBy === 'hand') return ['Stopped', ...lost];
  // It may end by itself while it is being stopped.
  if (real.starts === 0) return ['Failed', 'Stopped'];
  if (real.exitCode === 0)
    return ['Succeeded', 'Stopped', ...lost, ...(ranOut(run, real) ? ['Failed(DeadlineExceeded)'] : [])];
  return ['Failed', 'Stopped'];
}

/** Its time was up, so far as a clock of milliseconds can tell. */
function ranOut(run: Run, { startedMs, endedMs = startedMs, pausedMs = 0 }: TrueExecution): boolean {
  return (
    run.spec.timeout !== undefined && endedMs - startedMs - pausedMs >= parseDuration(run.spec.timeout) - 2
  );
}

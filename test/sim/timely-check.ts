import { parseDuration, type Run, type Task } from '../../pkg/api/index.ts';
import type { SimHost } from './host.ts';
import { calmNetwork, type SimNetwork } from './network.ts';
import type { SimNode } from './node.ts';
import { isEnded } from './run-rules.ts';
import type { StoreMonitor } from './store-monitor.ts';
import type { TrueExecution, Truth } from './truth.ts';
import type { World } from './world.ts';

const everyMs = 5_000;
/** Requests are lost, engines and runners fail at any call, and each is tried again later every time. */
const patienceMs = 45_000;
/** Where nothing is wrong with the network but that machines are cut off. */
const calmPatienceMs = 25_000;
/** What the host alone has to see to. */
const hostPatienceMs = 15_000;

export interface TimelyParts {
  host: SimHost;
  nodes: readonly SimNode[];
  network: SimNetwork;
  truth: Truth;
  monitor: StoreMonitor;
}

/** What somebody has to see to. */
interface Neglect {
  what: string;
  byHost?: boolean;
}

/** By uid of the Run: what has not been done, and since when it could have been. */
type Overdue = Map<string, { what: string; sinceMs: number }>;

/** What is to end, to halt or to go on does, as soon as those who have to see to it can: nobody waits for that in vain. */
export class TimelyCheck {
  readonly #world: World;
  readonly #parts: TimelyParts;
  #overdue: Overdue = new Map();
  readonly #runnerPatienceMs: number;

  constructor(world: World, parts: TimelyParts) {
    this.#world = world;
    this.#parts = parts;
    this.#runnerPatienceMs = parts.network.faults === calmNetwork ? calmPatienceMs : patienceMs;
  }

  begin(): void {
    this.#world.after(undefined, everyMs, () => {
      this.begin();
      this.#look();
    });
  }

  #look(): void {
    const before = this.#overdue;
    this.#overdue = new Map();
    for (const node of this.#parts.nodes)
      for (const execution of node.machine.live) {
        const neglect = this.#neglected(node, execution);
        if (neglect) this.#note(execution, neglect, before);
      }
  }

  #note({ runUid, runName }: TrueExecution, { what, byHost = false }: Neglect, before: Overdue): void {
    const { time } = this.#world;
    const known = before.get(runUid);
    const startedMs = byHost ? this.#parts.host.startedMs : 0;
    const sinceMs = known?.what === what ? Math.max(known.sinceMs, startedMs) : time;
    this.#overdue.set(runUid, { what, sinceMs });
    const mostMs = byHost ? hostPatienceMs : this.#runnerPatienceMs;
    if (time - sinceMs > mostMs) this.#world.fail(`${runName} ${what}, for ${mostMs / 1000} s and more`);
  }

  /** Undefined also while somebody cannot see to it. */
  #neglected(node: SimNode, execution: TrueExecution): Neglect | undefined {
    const { host, network, monitor, truth } = this.#parts;
    if (truth.isForgotten(execution.runUid)) return undefined;
    const run = monitor.run(execution.runUid);
    const isAble = node.up && node.hasEngine && !node.isFull;
    if (run && isAble && this.#isOutOfTime(run, execution)) return { what: 'runs on and its time is over' };
    if (!host.canWrite) return undefined;
    const unordered = run && this.#unordered(run);
    if (unordered) return { what: unordered, byHost: true };
    if (!isAble || !network.reachable(node.name)) return undefined;
    const undone = run ? notAsWanted(run, execution) : 'runs and its Run is gone';
    return undone === undefined ? undefined : { what: undone };
  }

  #isOutOfTime(run: Run, { startedMs, pausedMs = 0, pausedSinceMs }: TrueExecution): boolean {
    const { timeout } = run.spec;
    if (timeout === undefined || pausedSinceMs !== undefined) return false;
    return this.#world.time - startedMs - pausedMs > parseDuration(timeout);
  }

  /** What the loops of the host have not said to its runner yet. */
  #unordered({ spec, metadata, status }: Run): string | undefined {
    const { monitor } = this.#parts;
    if (spec.desired === 'Stopped' || metadata.deletionTimestamp || isEnded(status?.phase ?? 'Pending'))
      return undefined;
    if (monitor.node(spec.placement?.node ?? '')?.spec?.drain)
      return 'is on a drained node and not told to stop';
    const task = monitor.task(metadata.ownerReferences?.[0]?.uid ?? '');
    if (!task || isStopped(task, spec.revision)) return 'is not wanted by its task and not told to stop';
    const wanted = task.spec.suspend ? 'Paused' : 'Running';
    return spec.desired === wanted ? undefined : `is not told that its task wants it ${wanted}`;
  }
}

function notAsWanted({ spec, metadata, status }: Run, { pausedSinceMs }: TrueExecution): string | undefined {
  if (metadata.deletionTimestamp || isEnded(status?.phase ?? 'Pending'))
    return 'is over for the host and lives';
  if (spec.desired === 'Stopped') return 'is to stop and lives';
  const isHalted = pausedSinceMs !== undefined;
  if (isHalted === (spec.desired === 'Paused')) return undefined;
  return isHalted ? 'is halted and nobody wants that' : 'is to halt and runs';
}

function isStopped({ spec, status, metadata }: Task, revision: number): boolean {
  return (
    spec.stopped === true || revision < (status?.revision ?? 0) || metadata.deletionTimestamp !== undefined
  );
}

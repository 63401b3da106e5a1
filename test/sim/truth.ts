import type { Run } from '../../pkg/api/index.ts';
import type { ExecutionSpec } from '../../pkg/executor/index.ts';
import { parseCpuList } from '../../pkg/topology/index.ts';
import type { SimMachine } from './machine.ts';
import { overcommitment, type Share } from './shares.ts';
import type { World } from './world.ts';

/** How one execution really went, as its machine remembers it. Never pruned. */
export interface TrueExecution {
  runUid: string;
  runName: string;
  node: string;
  /** Of a container. */
  image?: string | undefined;
  live: boolean;
  /** Programs that were started for it: more than one is the worst that can happen. 0: it could not be started. */
  starts: number;
  /** Virtual times. */
  startedMs: number;
  endedMs?: number;
  /** All its pauses, without the one since `pausedSinceMs`. */
  pausedMs?: number;
  pausedSinceMs?: number;
  exitCode?: number;
  signal?: string;
  /** Why it ended, when not by itself. */
  killedBy?: 'stop' | 'reboot' | 'hand';
  /** Its record was removed by hand. */
  isForgotten?: boolean;
}

/** What the machines really do, all together: the store is held against it. */
export class Truth {
  readonly #world: World;
  readonly #machines: readonly SimMachine[];

  /** How often a run of this task may be tried again. */
  retriesOf: (task: string) => number = () => 0;
  /** So many of its programs may run at once. */
  parallelismOf: (task: string) => number = () => Number.POSITIVE_INFINITY;
  /** The store says that it runs or ran. */
  isShown: (runUid: string) => boolean = () => false;
  /** The store says how it ended. */
  isToldEnded: (runUid: string) => boolean = () => false;
  /** A person has declared this node dead. */
  isFenced: (node: string) => boolean = () => true;
  /** Programs really started, of all attempts of one ordinal of one revision. */
  readonly #starts = new Map<string, number>();
  /** Something was started: only that can make more of it alive. */
  #changed = false;
  readonly #evictions = new Map<string, number>();
  readonly #deleted = new Set<string>();
  readonly #forgotten = new Set<string>();
  /** Uids of Runs that failed with the fence of their node. */
  readonly #givenUp = new Set<string>();
  /** The store may not know any more what was given up. */
  #isRestored = false;
  /** By uid. */
  readonly #shares = new Map<string, Share>();

  constructor(world: World, machines: readonly SimMachine[]) {
    this.#world = world;
    this.#machines = machines;
    for (const machine of machines) {
      machine.onStart = (execution, spec) => {
        this.#started(execution);
        if (!this.#forgotten.has(execution.runUid)) this.#checkBinding(execution, spec);
      };
      machine.isShown = (runUid) => this.isShown(runUid);
    }
  }

  /** What it is bound to, as its binding says. */
  bound(runUid: string, share: Share): void {
    this.#shares.set(runUid, share);
  }

  share(runUid: string): Share | undefined {
    return this.#shares.get(runUid);
  }

  /** What runs is what was bound, where and as it was bound. */
  #checkBinding({ runUid, runName, node }: TrueExecution, spec: ExecutionSpec): void {
    const share = this.#shares.get(runUid);
    const told = (list: readonly unknown[] | undefined) => list?.join() ?? 'any';
    if (share?.node !== node)
      this.#world.fail(`${runName} was started on ${node}, it is bound to ${share?.node}`);
    if (!share) return;
    const wanted = [told(share.cpus), share.numa ?? 'any', told(share.gpus.map(({ uuid }) => uuid))];
    const cpus = spec.cpus === undefined ? undefined : parseCpuList(spec.cpus);
    const given = [told(cpus), spec.memoryNodes ?? 'any', told(spec.gpus?.map(({ uuid }) => uuid) ?? [])];
    if (share.digest !== undefined && share.digest !== spec.image)
      this.#world.fail(`${runName} was started on ${spec.image}, its environment is ${share.digest}`);
    const amounts = spec.milliCores === share.milliCores && spec.memoryBytes === share.memoryBytes;
    if (String(wanted) !== String(given) || !amounts)
      this.#world.fail(`${runName} was started with ${given.join(' ')}, it is bound to ${wanted.join(' ')}`);
  }

  /** It was deleted, and nothing is left of it: only a restored store can bring it back. */
  deleted(runUid: string): void {
    this.#deleted.add(runUid);
  }

  /**
   * These Runs are what a restored store knows. What it does not know, or not where it is bound, goes on unseen; and
   * what was deleted since the backup, or bound, may run again.
   */
  restored(runs: readonly Run[]): void {
    this.#isRestored = true;
    const bound = new Set(runs.flatMap(({ metadata, spec }) => (spec.placement ? [metadata.uid] : [])));
    for (const runUid of this.#shares.keys())
      if (!bound.has(runUid) || this.#deleted.has(runUid)) this.#forgotten.add(runUid);
    // Nobody knows any more of a start whose record is removed by hand and which the store was not told of.
    for (const { metadata, status } of runs)
      if (status?.startedAt === undefined && this.history(metadata.uid ?? '')?.isForgotten)
        this.#forgotten.add(metadata.uid ?? '');
    this.#starts.clear();
    for (const machine of this.#machines)
      for (const { runUid, runName, starts } of machine.history.values())
        if (starts > 0 && !this.#forgotten.has(runUid)) this.#countStart(runName);
  }

  /** Whether the restored store has lost it, or where it was bound. */
  isForgotten(runUid: string): boolean {
    return this.#forgotten.has(runUid);
  }

  /** The host has given it up; where its machine was only cut off, it goes on until that is back and cleans up. */
  givenUp(runUid: string): void {
    this.#givenUp.add(runUid);
  }

  isGivenUp(runUid: string): boolean {
    return this.#givenUp.has(runUid);
  }

  /** A fence is lifted: nothing of what the host has given up there may still run. */
  checkClean(node: string): void {
    for (const { runUid, runName } of this.machine(node)?.live ?? [])
      if (this.#givenUp.has(runUid) && !this.#forgotten.has(runUid))
        this.#world.fail(`the fence of ${node} is lifted, and ${runName} still runs there`);
  }

  /** Its node is drained: another attempt takes its place and counts for nothing. */
  evicted(runName: string): void {
    const { ordinal } = partsOf(runName);
    this.#evictions.set(ordinal, (this.#evictions.get(ordinal) ?? 0) + 1);
  }

  #started({ runUid, runName, starts, node }: TrueExecution): void {
    this.#changed = true;
    if (this.#forgotten.has(runUid)) return;
    if (this.#givenUp.has(runUid) && !this.isFenced(node) && !this.#isRestored)
      this.#world.fail(`the fence of ${node} is lifted, and then ${runName} starts there`);
    else if (this.isToldEnded(runUid) && !this.#givenUp.has(runUid))
      this.#world.fail(`${runName} is told to have ended, and then it starts on ${node}`);
    if (starts > 1) this.#world.fail(`${runName} was started ${starts} times`);
    const { ordinal, task } = partsOf(runName);
    const all = this.#countStart(runName);
    const retries = this.retriesOf(task);
    if (all > 1 + retries + (this.#evictions.get(ordinal) ?? 0))
      this.#world.fail(`${ordinal} was started ${all} times and may be retried ${retries} times`);
  }

  #countStart(runName: string): number {
    const { ordinal } = partsOf(runName);
    const starts = (this.#starts.get(ordinal) ?? 0) + 1;
    this.#starts.set(ordinal, starts);
    return starts;
  }

  machine(node: string): SimMachine | undefined {
    return this.#machines.find(({ name }) => name === node);
  }

  history(runUid: string): TrueExecution | undefined {
    for (const machine of this.#machines) {
      const found = machine.history.get(runUid);
      if (found) return found;
    }
    return undefined;
  }

  /** Its program is halted, or was. */
  hasHalted(runUid: string): boolean {
    const known = this.history(runUid);
    return known?.pausedSinceMs !== undefined || known?.pausedMs !== undefined;
  }

  /** A program of this Run runs now, anywhere. */
  isLive(runUid: string): boolean {
    return this.#machines.some((machine) => machine.history.get(runUid)?.live);
  }

  /** Some machine still has a record of it. */
  isKnown(runUid: string): boolean {
    return this.#machines.some((machine) => machine.executions().some((each) => each.runUid === runUid));
  }

  /** What is left on machines and not paused on purpose, for people. */
  leftOver(paused: ReadonlySet<string>): string[] {
    return this.#machines.flatMap((machine) =>
      machine
        .executions()
        .filter(({ runUid }) => !paused.has(runUid))
        .map(({ runName, state }) => `${machine.name} still has ${runName} (${state})`),
    );
  }

  /** Holds at every moment, however many messages and parts were lost. */
  check(): void {
    if (!this.#changed) return;
    this.#changed = false;
    const alive = new Map<string, TrueExecution>();
    for (const machine of this.#machines) {
      const shares: Share[] = [];
      for (const execution of machine.live) {
        if (this.#forgotten.has(execution.runUid)) continue;
        if (!this.#givenUp.has(execution.runUid)) this.#checkOrdinal(alive, execution);
        const share = this.#shares.get(execution.runUid);
        if (share) shares.push(share);
      }
      const twice = overcommitment(machine.shape, shares);
      if (twice) this.#world.fail(`${machine.name} runs at once ${twice}`);
    }
    this.#checkParallelism([...alive.values()]);
  }

  #checkParallelism(alive: readonly TrueExecution[]): void {
    const running = new Map<string, number>();
    for (const { runName } of alive) {
      const { task } = partsOf(runName);
      const count = (running.get(task) ?? 0) + 1;
      running.set(task, count);
      const most = this.parallelismOf(task);
      if (count > most) this.#world.fail(`${task} has ${count} programs and its parallelism is ${most}`);
    }
  }

  /** A Run is on one machine in all its life. */
  checkPlaces(): void {
    const seen = new Map<string, TrueExecution>();
    for (const machine of this.#machines) {
      for (const execution of machine.history.values()) {
        const other = seen.get(execution.runUid);
        if (other && !this.#forgotten.has(execution.runUid))
          this.#world.fail(`${execution.runName} was on ${other.node} and on ${execution.node}`);
        seen.set(execution.runUid, execution);
      }
    }
  }

  /** Names are TASK-HASH-ORDINAL-ATTEMPT: of all revisions of a task, one run of an ordinal is alive. */
  #checkOrdinal(alive: Map<string, TrueExecution>, execution: TrueExecution): void {
    const ordinal = execution.runName.replace(/-[0-9a-f]{8}-(\d+)-\d+$/, '/$1');
    const other = alive.get(ordinal);
    if (other) this.#world.fail(`${other.runName} and ${execution.runName} are alive at once`);
    alive.set(ordinal, execution);
  }
}

/** Names are TASK-HASH-ORDINAL-ATTEMPT; `ordinal`: all but the attempt. */
function partsOf(runName: string): { ordinal: string; task: string } {
  const [, ordinal = '', task = ''] = /^((.+)-[0-9a-f]{8}-\d+)-\d+$/.exec(runName) ?? [];
  return { ordinal, task };
}

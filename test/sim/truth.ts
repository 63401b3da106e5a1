import type { SimMachine } from './machine.ts';
import type { World } from './world.ts';

/** How one execution really went, as its machine remembers it. Never pruned. */
export interface TrueExecution {
  runUid: string;
  runName: string;
  node: string;
  milliCores: number;
  memoryBytes: number;
  /** What nobody else may have at the same time: GPUs, by UUID. */
  devices: readonly string[];
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
  killedBy?: 'stop' | 'reboot';
}

/** What the machines really do, all together: the store is held against it. */
export class Truth {
  readonly #world: World;
  readonly #machines: readonly SimMachine[];

  /** How often a run of this task may be tried again. */
  retriesOf: (task: string) => number = () => 0;
  /** Programs really started, of all attempts of one ordinal of one revision. */
  readonly #starts = new Map<string, number>();
  /** Something was started: only that can make more of it alive. */
  #changed = false;
  readonly #evictions = new Map<string, number>();

  constructor(world: World, machines: readonly SimMachine[]) {
    this.#world = world;
    this.#machines = machines;
    for (const machine of machines) machine.onStart = (runName) => this.#started(runName);
  }

  /** Its node is drained: another attempt takes its place and counts for nothing. */
  evicted(runName: string): void {
    const { ordinal } = partsOf(runName);
    this.#evictions.set(ordinal, (this.#evictions.get(ordinal) ?? 0) + 1);
  }

  #started(runName: string): void {
    this.#changed = true;
    const { ordinal, task } = partsOf(runName);
    const starts = (this.#starts.get(ordinal) ?? 0) + 1;
    this.#starts.set(ordinal, starts);
    const retries = this.retriesOf(task);
    if (starts > 1 + retries + (this.#evictions.get(ordinal) ?? 0))
      this.#world.fail(`${ordinal} was started ${starts} times and may be retried ${retries} times`);
  }

  history(runUid: string): TrueExecution | undefined {
    for (const machine of this.#machines) {
      const found = machine.history.get(runUid);
      if (found) return found;
    }
    return undefined;
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
      let charged = 0;
      let memoryBytes = 0;
      const devices = new Map<string, TrueExecution>();
      for (const execution of machine.live) {
        charged += execution.milliCores;
        memoryBytes += execution.memoryBytes;
        this.#checkOrdinal(alive, execution);
        this.#checkDevices(devices, execution);
      }
      if (memoryBytes > machine.memoryBytes)
        this.#world.fail(`${machine.name} runs ${memoryBytes} bytes at once and has ${machine.memoryBytes}`);
      if (charged > machine.milliCores) {
        this.#world.fail(`${machine.name} runs ${charged} milli-cores at once and has ${machine.milliCores}`);
      }
    }
  }

  #checkDevices(held: Map<string, TrueExecution>, execution: TrueExecution): void {
    for (const device of execution.devices) {
      const other = held.get(device);
      if (other) this.#world.fail(`${other.runName} and ${execution.runName} both have ${device}`);
      held.set(device, execution);
    }
  }

  /** A Run is on one machine in all its life. */
  checkPlaces(): void {
    const seen = new Map<string, TrueExecution>();
    for (const machine of this.#machines) {
      for (const execution of machine.history.values()) {
        const other = seen.get(execution.runUid);
        if (other) this.#world.fail(`${execution.runName} was on ${other.node} and on ${execution.node}`);
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

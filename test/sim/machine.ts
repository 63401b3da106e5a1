import type { Runtime } from '../../pkg/api/index.ts';
import { RiverError, type Rng } from '../../pkg/base/index.ts';
import { FakeMachine } from '../../pkg/executor/fake/index.ts';
import { type Execution, type ExecutionSpec, isLive } from '../../pkg/executor/index.ts';
import type { Topology } from '../../pkg/topology/index.ts';
import { SimImages } from './images.ts';
import type { Incarnation, PlaceTime } from './incarnation.ts';
import type { Shape } from './shapes.ts';
import type { TrueExecution } from './truth.ts';
import { between, chance, type World } from './world.ts';

export interface MachineMutation {
  /** It sometimes does not show what it has just started, and starts it again when asked. */
  startsTwice: boolean;
  /** Some of what is removed stays. */
  leavesBehind: boolean;
}

/** A start on its way to the machine. */
interface Order {
  /** Nobody waits for its answer any more: its runner has died, or has given it up and may have sent another. */
  isOrphan: boolean;
  /** In which boot of the machine it was sent. */
  boot: string;
}

interface Half {
  runtime: Runtime;
  execution: Execution;
}

/**
 * A machine that outlives its runners and remembers what really happened, apart from the records that runners see
 * and remove. Adds to the fake machine what a crash does to it: a start whose runner died on the way may never
 * arrive, or leave something that was made and not started; a reboot may take records with it.
 */
export class SimMachine extends FakeMachine {
  readonly name: string;
  /** Its clocks: the wall clock may be wrong, and may be set at any moment. */
  readonly time: PlaceTime;
  readonly shape: Shape;
  readonly images: SimImages;
  readonly history = new Map<string, TrueExecution>();
  onStart: (execution: TrueExecution, spec: ExecutionSpec) => void = () => {};
  /** The host was told that it runs, or ran. */
  isShown: (runUid: string) => boolean = () => false;
  /** GPUs that are broken now, by UUID. */
  readonly sick = new Set<string>();
  readonly live = new Set<TrueExecution>();
  readonly #world: World;
  readonly #life: Incarnation;
  readonly #mutation: MachineMutation;
  readonly #halves = new Map<string, Half>();
  /** What a late start would claim is gone with its records, or was taken by a stop. */
  readonly #over = new Set<string>();

  constructor(world: World, name: string, shape: Shape, mutation: MachineMutation) {
    const time = world.placeTime(chance(world.rng, 0.5) ? 0 : skew(world.rng));
    const life = world.incarnation(`${name}-machine`, time);
    super(life.clock);
    this.time = time;
    this.#world = world;
    this.#life = life;
    this.name = name;
    this.shape = shape;
    this.images = new SimImages(world, name);
    this.images.isUsed = (digest) => [...this.live].some(({ image }) => image === digest);
    this.#mutation = mutation;
    this.onChange((runUid) => runUid !== undefined && this.#look(runUid));
  }

  /** As it can be read at this moment. */
  topology(): Topology {
    const { topology } = this.shape;
    if (this.sick.size === 0) return topology;
    const gpus = topology.gpus.map((gpu) =>
      this.sick.has(gpu.uuid) ? { ...gpu, health: 'Unhealthy' as const, healthMessage: 'Xid 79' } : gpu,
    );
    return { ...topology, gpus };
  }

  /** The machine in the hands of one runner: of its starts it is known whether it still lives when they arrive. */
  seenBy(sender: Incarnation): SimMachine {
    const boot = this.bootId;
    return new Proxy<SimMachine>(this, {
      get: (machine, key) => {
        if (key === 'start') {
          return (runtime: Runtime, spec: ExecutionSpec) =>
            machine.#carryOut({ isOrphan: !sender.alive, boot }, runtime, spec);
        }
        const value: unknown = Reflect.get(machine, key, machine);
        return typeof value === 'function' ? value.bind(machine) : value;
      },
    });
  }

  /** A start that its runner has given up, because the engine did not answer, comes there all the same. */
  startLater(delayMs: number, spec: ExecutionSpec): void {
    const { bootId: boot } = this;
    this.#world.after(undefined, delayMs, () => {
      this.#world.count('engine: a start that was given up arrives');
      try {
        this.#carryOut({ isOrphan: true, boot }, spec.runtime, spec);
      } catch (error) {
        // Nobody waits for its answer.
        if (!(error instanceof RiverError)) throw error;
      }
    });
  }

  override executions(runtime?: Runtime): Execution[] {
    const halves = [...this.#halves.values()].filter(
      (half) => runtime === undefined || half.runtime === runtime,
    );
    return [...super.executions(runtime), ...halves.map((half) => ({ ...half.execution }))];
  }

  override inspect(runtime: Runtime, runUid: string): Execution | undefined {
    const half = this.#halves.get(runUid);
    if (this.#mutation.startsTwice && chance(this.#life.rng, 0.3)) return undefined;
    return half?.runtime === runtime ? { ...half.execution } : super.inspect(runtime, runUid);
  }

  #carryOut({ isOrphan, boot }: Order, runtime: Runtime, spec: ExecutionSpec): Execution {
    const { runUid, namespace, runName } = spec;
    const half = this.#halves.get(runUid);
    if (half?.execution.state === 'exited') return { ...half.execution };
    const present = super.inspect(runtime, runUid);
    if (present && !this.#mutation.startsTwice) return present;
    // What was under way at a reboot went with it.
    const over = this.#over.has(runUid) || boot !== this.bootId;
    if (isOrphan && over) return { runUid, namespace, runName, state: 'exited' };
    if (!half && isOrphan && chance(this.#life.rng, 0.6)) {
      const execution: Execution = { runUid, namespace, runName, state: 'created' };
      this.#world.count('machine: start of a dead runner arrives in half');
      if (chance(this.#life.rng, 0.5)) this.#halves.set(runUid, { runtime, execution });
      return execution;
    }
    if (runtime === 'docker') this.images.check(spec.image ?? '');
    if (isOrphan) this.#world.count('machine: start of a dead runner arrives');
    this.#halves.delete(runUid);
    if (present) super.lose(runUid);
    this.#begin(spec);
    return super.start(runtime, spec);
  }

  override stop(runUid: string, graceMs: number, ended: () => void): void {
    const half = this.#halves.get(runUid);
    if (half) {
      // As the process executor does: whatever still comes to start it finds that it is over.
      const startError = { reason: 'Stopped', message: 'It was stopped before it was started.' };
      half.execution = { ...half.execution, state: 'exited', startError };
      ended();
      return;
    }
    const known = this.history.get(runUid);
    // A start that is still on its way is called off, as executors do.
    if (!known) this.#over.add(runUid);
    if (known?.live) known.killedBy = 'stop';
    super.stop(runUid, graceMs, ended);
  }

  override confine(runUid: string, cpus: string): void {
    this.#world.count('machine: moves a program to other CPUs');
    super.confine(runUid, cpus);
  }

  /** There is something of it, and people have seen it: before that, a start that is lost is one that never was. */
  isForgettable(runUid: string): boolean {
    const shown = super.inspect('process', runUid) ?? super.inspect('docker', runUid);
    return shown !== undefined && this.isShown(runUid);
  }

  forget(runUid: string): void {
    const known = this.history.get(runUid);
    if (!known) return;
    known.isForgotten = true;
    if (known.live) known.killedBy = 'hand';
    this.#over.add(runUid);
    super.lose(runUid);
  }

  override remove(runUid: string): void {
    if (this.#mutation.leavesBehind && /^[0-7]/.test(runUid)) return;
    this.#over.add(runUid);
    this.#halves.delete(runUid);
    super.remove(runUid);
  }

  /** As by an NTP that steps, or a person. */
  setClock(): void {
    this.time.skewMs = skew(this.#world.rng);
    this.#world.trace(this.name, 'sets its clock', String(this.time.skewMs));
  }

  override reboot(): void {
    this.time.bootMs = -Math.floor(this.#world.time);
    for (const known of this.live) known.killedBy = 'reboot';
    super.reboot();
    for (const runUid of this.#halves.keys()) if (chance(this.#life.rng, 0.5)) this.#halves.delete(runUid);
    for (const { runUid, unknownEnd } of super.executions()) {
      if (unknownEnd && chance(this.#life.rng, 0.4)) super.lose(runUid);
    }
  }

  #begin(spec: ExecutionSpec): void {
    const { runUid, runName, command, image } = spec;
    const before = this.history.get(runUid);
    const starts = (before?.starts ?? 0) + (command?.some((word) => word.startsWith('no-start')) ? 0 : 1);
    const startedMs = this.#world.time;
    const execution = { runUid, runName, node: this.name, image, live: starts > 0, starts, startedMs };
    this.history.set(runUid, execution);
    if (before) this.live.delete(before);
    if (execution.live) {
      this.live.add(execution);
      this.onStart(execution, spec);
    }
    this.#world.count('machine: starts a program');
    this.#world.trace(this.name, 'starts', `${runName} ${command?.join(' ')}`);
  }

  #lookAtPause(known: TrueExecution, paused: boolean): void {
    if (paused === (known.pausedSinceMs !== undefined)) return;
    this.#world.trace(this.name, paused ? 'paused' : 'goes on', known.runName);
    const { pausedMs = 0, pausedSinceMs = this.#world.time } = known;
    known.pausedMs = pausedMs + this.#world.time - pausedSinceMs;
    known.pausedSinceMs = paused ? this.#world.time : undefined;
  }

  #look(runUid: string): void {
    const known = this.history.get(runUid);
    if (!known?.live) return;
    const shown = super.inspect('process', runUid) ?? super.inspect('docker', runUid);
    this.#lookAtPause(known, shown?.state === 'paused');
    if (isLive(shown)) return;
    known.live = false;
    known.endedMs = this.#world.time;
    this.live.delete(known);
    known.exitCode = shown?.exitCode;
    known.signal = shown?.signal;
    this.#world.trace(this.name, 'ended', `${known.runName} ${JSON.stringify(known)}`);
  }
}

/** More than a timeout of a simulated run, less than what the timetable grants to times to live. */
function skew(rng: Rng): number {
  return Math.round(between(rng, -90_000, 90_000));
}

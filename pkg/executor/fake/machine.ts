import type { Observed, Runtime } from '../../api/index.ts';
import type { Clock, Timer } from '../../base/index.ts';
import { type Execution, type ExecutionSpec, isLive, type LiveUsage } from '../index.ts';
import { type FakeProgram, parseFakeProgram } from './program.ts';

/** What a program of the model is held to; `cpus` left out: all. */
export interface FakeBinding {
  runUid: string;
  cpus?: string;
  gpus: string[];
}

interface Resident {
  runtime: Runtime;
  execution: Execution;
  program: FakeProgram;
  binding: FakeBinding;
  timer?: Timer;
  /** Of the program, without its pauses; since when it executes. */
  leftMs: number;
  goesOnSince: number;
  /** So long it executed before its last pause. */
  beforeMs: number;
  /** Called when it has ended. */
  waiting: (() => void)[];
}

/**
 * A machine with programs on it, which outlives the runners that come and go: what it shows is the truth that
 * executors tell. Its clock must go on when a runner crashes.
 */
export class FakeMachine {
  readonly #clock: Clock;
  readonly #residents = new Map<string, Resident>();
  readonly #starts = new Map<string, number>();
  readonly #listeners = new Set<(runUid: string | undefined) => void>();
  #boots = 1;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get clock(): Clock {
    return this.#clock;
  }

  get bootId(): string {
    return `boot-${this.#boots}`;
  }

  /** How often the program of each Run was really started, removed ones included. More than once is a bug of the runner. */
  get starts(): ReadonlyMap<string, number> {
    return this.#starts;
  }

  /** What is there, for invariants. */
  executions(runtime?: Runtime): Execution[] {
    return [...this.#residents.values()]
      .filter((resident) => runtime === undefined || resident.runtime === runtime)
      .map((resident) => ({ ...resident.execution }));
  }

  /** Of everything that has not ended, for invariants. */
  bindings(): FakeBinding[] {
    return [...this.#residents.values()]
      .filter(({ execution }) => isLive(execution))
      .map(({ binding }) => ({ ...binding }));
  }

  confine(runUid: string, cpus: string): void {
    const resident = this.#residents.get(runUid);
    if (!resident || !isLive(resident.execution)) return;
    resident.binding.cpus = cpus;
    resident.execution.observed = { ...resident.execution.observed, cpus };
  }

  /** All programs die without a record of how; then the machine is up again, with another boot id. */
  reboot(): void {
    this.#boots += 1;
    for (const resident of this.#residents.values())
      if (isLive(resident.execution)) this.#end(resident, { unknownEnd: 'NodeRestarted' });
  }

  /** The record of a Run is lost, as by a container that somebody removed by hand. */
  lose(runUid: string): void {
    this.#residents.get(runUid)?.timer?.cancel();
    this.#residents.delete(runUid);
    this.#changed(runUid);
  }

  inspect(runtime: Runtime, runUid: string): Execution | undefined {
    const resident = this.#residents.get(runUid);
    return resident?.runtime === runtime ? { ...resident.execution } : undefined;
  }

  /** Programs of the model compute for as long as they execute, on one core. */
  usage(runtime: Runtime, runUid: string): LiveUsage | undefined {
    const resident = this.#residents.get(runUid);
    if (resident?.runtime !== runtime || !isLive(resident.execution)) return undefined;
    const { execution, beforeMs, goesOnSince } = resident;
    const nowMs = execution.state === 'running' ? this.#clock.monotonic() - goesOnSince : 0;
    return { cpuSeconds: (beforeMs + nowMs) / 1000, memoryUsed: 1_000_000 };
  }

  /** Starts unless something of this uid is there already. */
  start(runtime: Runtime, spec: ExecutionSpec): Execution {
    const present = this.#residents.get(spec.runUid);
    if (present) return { ...present.execution };
    const { runUid, namespace, runName } = spec;
    const program = parseFakeProgram(spec);
    const execution: Execution = {
      runUid,
      namespace,
      runName,
      state: 'running',
      startedAt: this.#clock.now(),
    };
    const gpus = (spec.gpus ?? []).map(({ uuid }) => uuid);
    const cpus = spec.sharedCpus ?? spec.cpus;
    execution.observed = observedOf({ ...spec, cpus });
    const binding = { runUid, gpus, ...(cpus === undefined ? {} : { cpus }) };
    const goesOnSince = this.#clock.monotonic();
    const resident: Resident = {
      ...{ runtime, execution, program, binding, waiting: [] },
      ...{ leftMs: program.durationMs, goesOnSince, beforeMs: 0 },
    };
    this.#residents.set(runUid, resident);
    if (program.startError) {
      const message = 'the program cannot be started';
      this.#end(resident, { startError: { reason: program.startError, message } });
    } else {
      this.#starts.set(runUid, (this.#starts.get(runUid) ?? 0) + 1);
      this.#goOn(resident);
    }
    this.#changed(runUid);
    return { ...resident.execution };
  }

  #goOn(resident: Resident): void {
    const { program, leftMs } = resident;
    resident.goesOnSince = this.#clock.monotonic();
    if (Number.isFinite(leftMs))
      resident.timer = this.#clock.after(leftMs, () => this.#end(resident, naturalEnd(program)));
  }

  pause(runUid: string): void {
    const resident = this.#residents.get(runUid);
    if (resident?.execution.state !== 'running') return;
    resident.timer?.cancel();
    const executedMs = this.#clock.monotonic() - resident.goesOnSince;
    resident.leftMs -= executedMs;
    resident.beforeMs += executedMs;
    resident.execution.state = 'paused';
    this.#changed(runUid);
  }

  resume(runUid: string): void {
    const resident = this.#residents.get(runUid);
    if (resident?.execution.state !== 'paused') return;
    resident.execution.state = 'running';
    this.#goOn(resident);
    this.#changed(runUid);
  }

  /** Calls back when it has ended; at once when nothing runs. What is paused goes on before it is stopped. */
  stop(runUid: string, graceMs: number, ended: () => void): void {
    const resident = this.#residents.get(runUid);
    if (!resident || !isLive(resident.execution)) {
      ended();
      return;
    }
    resident.waiting.push(ended);
    this.resume(runUid);
    if (resident.program.ignoresTerm)
      this.#clock.after(graceMs, () => this.#end(resident, { signal: 'SIGKILL' }));
    else this.#end(resident, { signal: 'SIGTERM' });
  }

  remove(runUid: string): void {
    if (!isLive(this.#residents.get(runUid)?.execution)) this.#residents.delete(runUid);
  }

  onChange(listener: (runUid: string | undefined) => void): { close(): void } {
    this.#listeners.add(listener);
    return { close: () => this.#listeners.delete(listener) };
  }

  #end(resident: Resident, how: Partial<Execution>): void {
    const { execution } = resident;
    if (!isLive(execution)) return;
    resident.timer?.cancel();
    const usage = how.startError ? {} : { usage: { cpuSeconds: 0.01, memoryPeak: 1_000_000 } };
    const ending = { state: 'exited', finishedAt: this.#clock.now(), observed: undefined };
    Object.assign(execution, ending, usage, how);
    for (const ended of resident.waiting.splice(0)) ended();
    this.#changed(execution.runUid);
  }

  #changed(runUid: string): void {
    for (const listener of this.#listeners) listener(runUid);
  }
}

/** This machine holds everything to what it was given; it has no CPUs of its own to tell of. */
function observedOf({ cpus, memoryNodes, memoryBytes, gpus, runtime }: ExecutionSpec): Observed {
  const shown = gpus?.flatMap(({ uuid, devices }) => (runtime === 'docker' && devices) || [uuid]);
  return {
    ...(cpus === undefined ? {} : { cpus }),
    ...(memoryNodes === undefined ? {} : { memoryNodes }),
    ...(memoryBytes > 0 ? { memory: memoryBytes } : {}),
    ...(shown ? { gpus: [...shown] } : {}),
  };
}

function naturalEnd({ exitCode, signal, oomKilled }: FakeProgram): Partial<Execution> {
  if (oomKilled) return { signal: 'SIGKILL', oomKilled };
  return signal ? { signal } : { exitCode };
}

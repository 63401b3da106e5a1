import type { Runtime } from '../api/index.ts';
import { type Clock, RiverError } from '../base/index.ts';
import type { Execution, Executor, RuntimeProbe } from '../executor/index.ts';
import type { Count } from './counters.ts';
import { Gate } from './gate.ts';

/** Beyond so many at once an engine does no more work; each start only gets slower. */
const startsAtOnce: Record<Runtime, number> = { docker: 8, systemd: 8, process: 64 };
const preparesAtOnce = 4;

interface State {
  executor: Executor;
  starts: Gate;
  prepares: Gate;
  probe?: RuntimeProbe;
  /** As it was told last: one that is away has it still. */
  dataDir?: string;
  /** Monotonic; since the first probe that failed. */
  notReadySince?: number;
}

/** The executors of this machine: which there are, whether they work, and how much is asked of them at once. */
export class Runtimes {
  readonly #states = new Map<Runtime, State>();
  readonly #clock: Clock;
  readonly #count: Count;

  constructor(executors: readonly Executor[], clock: Clock, count: Count) {
    this.#clock = clock;
    this.#count = count;
    for (const executor of executors)
      this.#states.set(executor.runtime, {
        executor,
        starts: new Gate(startsAtOnce[executor.runtime]),
        prepares: new Gate(preparesAtOnce),
      });
  }

  executor(runtime: Runtime | undefined): Executor | undefined {
    return runtime && this.#states.get(runtime)?.executor;
  }

  executors(): Executor[] {
    return [...this.#states.values()].map((state) => state.executor);
  }

  probes(): { runtime: Runtime; probe: RuntimeProbe }[] {
    return [...this.#states].flatMap(([runtime, { probe }]) => (probe ? [{ runtime, probe }] : []));
  }

  dataDirs(): string[] {
    return [...this.#states.values()].flatMap(({ dataDir }) => dataDir ?? []);
  }

  /** 0 while it works, or before the first probe. */
  notReadyMs(runtime: Runtime): number {
    const since = this.#states.get(runtime)?.notReadySince;
    return since === undefined ? 0 : Math.max(1, this.#clock.monotonic() - since);
  }

  /** Why it does not work, as its last probe says; undefined: it does. */
  problemOf(runtime: Runtime): RiverError | undefined {
    const probe = this.#states.get(runtime)?.probe;
    if (!probe || probe.ready) return undefined;
    const { reason, message } = probe;
    return new RiverError('ServiceUnavailable', message, { causes: [{ reason, message }] });
  }

  /** Answers with the runtimes that work again after they did not. */
  async probeAll(): Promise<Runtime[]> {
    const back: Runtime[] = [];
    await Promise.all(
      [...this.#states].map(async ([runtime, state]) => {
        state.probe = await state.executor.probe();
        state.dataDir = state.probe.dataDir ?? state.dataDir;
        if (!state.probe.ready) this.#count('probe_failed');
        if (state.probe.ready && state.notReadySince !== undefined) back.push(runtime);
        state.notReadySince = state.probe.ready
          ? undefined
          : (state.notReadySince ?? this.#clock.monotonic());
      }),
    );
    return back;
  }

  start(runtime: Runtime, work: () => Promise<Execution | undefined>): Promise<Execution | undefined> {
    return this.#gates(runtime).starts.pass(work);
  }

  prepare(runtime: Runtime, work: () => Promise<void>): Promise<void> {
    return this.#gates(runtime).prepares.pass(work);
  }

  #gates(runtime: Runtime): State {
    const state = this.#states.get(runtime);
    if (!state) throw new Error(`no executor for ${runtime}`);
    return state;
  }
}

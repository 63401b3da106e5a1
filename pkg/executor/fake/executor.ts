import type { Runtime } from '../../api/index.ts';
import { type Clock, RiverError } from '../../base/index.ts';
import { type Execution, type ExecutionSpec, type Executor, type RuntimeProbe, usageOf } from '../index.ts';
import type { FakeMachine } from './machine.ts';

export type FakeOperation =
  | 'probe'
  | 'list'
  | 'inspect'
  | 'prepare'
  | 'start'
  | 'adopt'
  | 'pause'
  | 'resume'
  | 'confine'
  | 'stop'
  | 'remove';

export interface FakeExecutorOptions {
  machine: FakeMachine;
  runtime: Runtime;
  /** Of the runner: what it stops, no answer comes through any more, while the machine goes on. */
  clock: Clock;
  /** Milliseconds; of the way back no more than `slowestAnswerMs`. */
  latencyMs?: (operation: FakeOperation) => number;
  /** before: refused and not carried out; after: carried out, and its answer lost. Both look the same to the runner. `spec`: of a start. */
  inject?: (
    operation: FakeOperation,
    runUid: string | undefined,
    spec?: ExecutionSpec,
  ) => 'before' | 'after' | undefined;
  /** What a preparation fails with, as long as it is there. */
  prepareError?: () => Error | undefined;
}

/** A busy engine lets a request wait, and not what it has to say of it. */
const slowestAnswerMs = 5_000;

/** One runtime of a simulated machine, in the hands of one runner. No real time, no real input or output. */
export class FakeExecutor implements Executor {
  readonly runtime: Runtime;
  readonly #options: FakeExecutorOptions;
  readonly #listeners = new Set<{ close(): void }>();

  constructor(options: FakeExecutorOptions) {
    this.#options = options;
    this.runtime = options.runtime;
  }

  async probe(): Promise<RuntimeProbe> {
    const fails = this.#options.inject?.('probe', undefined) !== undefined;
    return fails
      ? { ready: false, reason: 'NotReachable', message: 'The simulated engine does not answer.' }
      : { ready: true, reason: 'Works', message: 'The simulated engine works.', version: '1.0' };
  }

  list(): Promise<Execution[]> {
    return this.#ask('list', undefined, (machine) => machine.executions(this.runtime));
  }

  inspect(runUid: string): Promise<Execution | undefined> {
    return this.#ask('inspect', runUid, (machine) => machine.inspect(this.runtime, runUid));
  }

  async usage(runUids: readonly string[]) {
    return usageOf(runUids, (runUid) => this.#options.machine.usage(this.runtime, runUid));
  }

  async prepare(spec: ExecutionSpec, signal: AbortSignal): Promise<void> {
    await this.#ask('prepare', spec.runUid, () => undefined);
    signal.throwIfAborted();
    const error = this.#options.prepareError?.();
    if (error) throw error;
    if (spec.image !== 'missing') return;
    const causes = [{ message: 'no such image', reason: 'ImageNotFound' }];
    throw new RiverError('NotFound', 'the node has no image missing and cannot pull it', { causes });
  }

  start(spec: ExecutionSpec): Promise<Execution> {
    return this.#exchange(
      'start',
      spec.runUid,
      (answer) => answer(this.#options.machine.start(this.runtime, spec)),
      spec,
    );
  }

  adopt(spec: ExecutionSpec): Promise<void> {
    return this.#ask('adopt', spec.runUid, () => undefined);
  }

  pause(runUid: string): Promise<void> {
    return this.#ask('pause', runUid, (machine) => machine.pause(runUid));
  }

  resume(runUid: string): Promise<void> {
    return this.#ask('resume', runUid, (machine) => machine.resume(runUid));
  }

  confine(runUid: string, cpus: string): Promise<void> {
    return this.#ask('confine', runUid, (machine) => machine.confine(runUid, cpus));
  }

  stop(runUid: string, graceMs: number): Promise<void> {
    return this.#exchange('stop', runUid, (answer) =>
      this.#options.machine.stop(runUid, graceMs, () => answer(undefined)),
    );
  }

  remove(runUid: string): Promise<void> {
    return this.#ask('remove', runUid, (machine) => machine.remove(runUid));
  }

  onChange(listener: (runUid: string | undefined) => void): { close(): void } {
    const { machine, clock } = this.#options;
    const subscription = machine.onChange((runUid) => clock.nextTurn(() => listener(runUid)));
    this.#listeners.add(subscription);
    return subscription;
  }

  async close(): Promise<void> {
    for (const listener of this.#listeners) listener.close();
  }

  #ask<T>(
    operation: FakeOperation,
    runUid: string | undefined,
    work: (machine: FakeMachine) => T,
  ): Promise<T> {
    return this.#exchange(operation, runUid, (answer) => answer(work(this.#options.machine)));
  }

  /** The way there runs on the machine's clock and arrives also when the runner is dead; the way back on the runner's. */
  #exchange<T>(
    operation: FakeOperation,
    runUid: string | undefined,
    carryOut: (answer: (value: T) => void) => void,
    spec?: ExecutionSpec,
  ): Promise<T> {
    const { machine, clock, latencyMs, inject } = this.#options;
    const failure = inject?.(operation, runUid, spec);
    const delayMs = latencyMs?.(operation) ?? 0;
    const backMs = Math.min(delayMs, slowestAnswerMs);
    const lost = () => new RiverError('ServiceUnavailable', 'the simulated engine does not answer');
    return new Promise((resolve, reject) => {
      after(machine.clock, delayMs, () => {
        if (failure === 'before') return after(clock, backMs, () => reject(lost()));
        const answer = (settle: () => void) => after(clock, backMs, failure ? () => reject(lost()) : settle);
        try {
          carryOut((value) => answer(() => resolve(value)));
        } catch (error) {
          answer(() => reject(error));
        }
      });
    });
  }
}

function after(clock: Clock, delayMs: number, work: () => void): void {
  if (delayMs > 0) clock.after(delayMs, work);
  else work();
}

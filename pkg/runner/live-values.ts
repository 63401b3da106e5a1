import type { GpuUsage, NodeStatus, RunSample } from '../api/index.ts';
import { type Clock, errorMessage, type Logger } from '../base/index.ts';
import type { MachineReader } from './seams.ts';

type Usage = NonNullable<NodeStatus['usage']>;

/** A rate over less says nothing: heartbeats that follow each other closer show the same values. */
const leastMs = 500;

export interface LiveValuesParts {
  machine: Pick<MachineReader, 'usage'>;
  gpus: () => readonly GpuUsage[];
  runs: () => Promise<RunSample[]>;
  clock: Clock;
  logger: Logger;
}

/** What heartbeats say of the machine and of what runs on it. */
export class LiveValues {
  readonly #parts: LiveValuesParts;
  #last: { atMs: number; usage: Usage } | undefined;

  constructor(parts: LiveValuesParts) {
    this.#parts = parts;
  }

  /** Never raises: a heartbeat is a sign of life first of all. */
  async now(): Promise<Usage> {
    const { machine, gpus, runs, clock } = this.#parts;
    const nowMs = clock.monotonic();
    if (!this.#last || nowMs - this.#last.atMs >= leastMs) {
      const samples = await this.#read(runs, []);
      const ofMachine = await this.#read(() => machine.usage(), {});
      const usage = { ...ofMachine, ...(samples.length > 0 ? { runs: samples } : {}) };
      this.#last = { atMs: nowMs, usage };
    }
    const shown = gpus();
    return { ...this.#last.usage, ...(shown.length > 0 ? { gpus: [...shown] } : {}) };
  }

  async #read<T>(read: () => T | Promise<T>, otherwise: T): Promise<T> {
    try {
      return await read();
    } catch (error) {
      this.#parts.logger.warn('live values cannot be read', { error: errorMessage(error) });
      return otherwise;
    }
  }
}

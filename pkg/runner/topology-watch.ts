import type { GpuUsage } from '../api/index.ts';
import { type Clock, errorMessage, type Logger, type Timer } from '../base/index.ts';
import type { Topology } from '../topology/index.ts';
import type { MachineReader } from './seams.ts';

/** As often as heartbeats: that is how old a live value of a GPU may be. */
const readEveryMs = 10_000;
/** A driver in trouble keeps the reader waiting: what was read before is no live value any more. */
const liveForMs = 2 * readEveryMs;

export interface TopologyWatchParts {
  machine: Pick<MachineReader, 'topology'>;
  clock: Clock;
  logger: Logger;
  /** What the machine has is not as it was, live values aside. */
  onChange: () => void;
}

/** What the machine has, read at start and again and again: GPUs fall off the bus, CPUs come and go. */
export class TopologyWatch {
  readonly #parts: TopologyWatchParts;
  #current: Topology | undefined;
  #readAtMs = 0;
  #key = '';
  #timer: Timer | undefined;
  #closed = false;

  constructor(parts: TopologyWatchParts) {
    this.#parts = parts;
  }

  /** Undefined until it was read for the first time. */
  get current(): Topology | undefined {
    return this.#current;
  }

  /** Live values of GPUs; none when they could not be read for a while. */
  usage(): readonly GpuUsage[] {
    const isLive = this.#parts.clock.monotonic() - this.#readAtMs <= liveForMs;
    return isLive ? (this.#current?.usage ?? []) : [];
  }

  start(): void {
    void this.#read();
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
  }

  async #read(): Promise<void> {
    const { machine, clock, logger, onChange } = this.#parts;
    try {
      const topology = await machine.topology();
      if (this.#closed) return;
      const { usage: _live, ...rest } = topology;
      const key = JSON.stringify(rest);
      const isNew = key !== this.#key;
      this.#key = key;
      this.#current = topology;
      this.#readAtMs = clock.monotonic();
      if (isNew) onChange();
      if (isNew && rest.problems.length > 0)
        logger.warn('something of the machine cannot be read', { problems: rest.problems });
    } catch (error) {
      logger.warn('the machine cannot be read', { error: errorMessage(error) });
    }
    if (!this.#closed) this.#timer = clock.after(readEveryMs, () => void this.#read());
  }
}

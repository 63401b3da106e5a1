import type { Readable } from 'node:stream';
import type Docker from 'dockerode';
import { backoffDelay, type Clock, type Logger, type Rng, sleep } from '../../base/index.ts';
import { ownerOf, ownFilter } from './identity.ts';

const retry = { baseMs: 500, capMs: 15_000 };
/** One that lasted so long had nothing wrong with it. */
const healthyMs = 10_000;
const told = ['start', 'die', 'destroy', 'exec_start', 'exec_die'];

export interface ContainerEventsParts {
  engine: Docker;
  host: string;
  clock: Clock;
  rng: Rng;
  logger: Logger;
  /** See `EnvironmentContainers.follow`. */
  onChange(name?: string): void;
}

/** The stream of events of an engine, kept open until `close`: so nobody has to ask it again and again. */
export class ContainerEvents {
  readonly #parts: ContainerEventsParts;
  readonly #closed = new AbortController();

  constructor(parts: ContainerEventsParts) {
    this.#parts = parts;
  }

  open(): void {
    this.#keep().catch((error: unknown) => {
      if (!this.#closed.signal.aborted)
        this.#parts.logger.error('working containers are not followed any more', { error });
    });
  }

  close(): void {
    this.#closed.abort();
  }

  async #keep(): Promise<void> {
    const { clock, rng, logger } = this.#parts;
    const { signal } = this.#closed;
    for (let attempt = 0; !signal.aborted; attempt += 1) {
      const since = clock.monotonic();
      await this.#listen().catch(() => {});
      if (signal.aborted) return;
      if (clock.monotonic() - since >= healthyMs) attempt = 0;
      logger.debug('lost the events of the Docker Engine; trying again');
      await sleep(clock, backoffDelay(retry, attempt, rng), signal);
    }
  }

  async #listen(): Promise<void> {
    const { engine, host, onChange } = this.#parts;
    const filters = { type: ['container' as const], event: told, label: ownFilter(host) };
    const abortSignal = this.#closed.signal;
    const stream = (await engine.getEvents({ filters, abortSignal })) as unknown as Readable;
    onChange();
    let rest = '';
    for await (const chunk of stream) {
      const lines = (rest + String(chunk)).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) this.#tell(line);
    }
  }

  #tell(line: string): void {
    if (line.trim() === '') return;
    const { Actor } = JSON.parse(line) as { Actor?: { Attributes?: Record<string, string> } };
    const owner = ownerOf(Actor?.Attributes, this.#parts.host);
    if (owner) this.#parts.onChange(owner.environment);
  }
}

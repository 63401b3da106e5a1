import type { Client } from '../../client/index.ts';
import type { Context } from '../context.ts';
import { followObject } from './follow.ts';
import { ProgressBar } from './progress-bar.ts';

const newline = 0x0a;

/** A line beneath the output of a build that says how far it is; on a terminal only. */
export class BuildProgress {
  readonly #bar: ProgressBar;
  readonly #stop = new AbortController();
  /** Within a line of the output there is no place for it. */
  #isLineOpen = false;

  constructor({ io }: Context, client: Client, name: string) {
    this.#bar = new ProgressBar(io);
    if (io.stderr.isTerminal) void this.#show(io, client, name);
  }

  async #show(io: Context['io'], client: Client, name: string): Promise<void> {
    const signal = AbortSignal.any([io.signal, this.#stop.signal]);
    const seams = { clock: io.clock, rng: io.rng, signal };
    try {
      for await (const state of followObject(client, 'Environment', '', name, seams))
        if (state && !this.#isLineOpen) this.#bar.object(`environment/${name}`, state);
    } catch {
      // What is wrong is told by the output that is followed.
    }
  }

  /** Before this is written. */
  async makeRoom(chunk: Uint8Array): Promise<void> {
    this.#isLineOpen = chunk.at(-1) !== newline;
    await this.#bar.clear();
  }

  async end(): Promise<void> {
    this.#stop.abort();
    await this.#bar.clear();
  }
}

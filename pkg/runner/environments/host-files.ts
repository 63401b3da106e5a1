import { backoffDelay, type Clock, hasCode, RiverError, type Rng, sleep } from '../../base/index.ts';
import type { EnvironmentFiles } from '../../client/index.ts';
import { parseTarballIndex, type TarballIndex } from '../../environment/index.ts';
import type { ByteRange, ByteSource } from '../../executor/index.ts';
import { type EnvironmentReference, type EnvironmentSource, unavailable } from './source.ts';

const backoff = { baseMs: 200, capMs: 10_000 };
/** In a row, and without one byte between them: then the load fails, and begins anew later. */
const failuresAtMost = 8;

export interface HostFilesParts {
  client: EnvironmentFiles;
  clock: Clock;
  rng: Rng;
  /** Bytes a second; 0 = as fast as it goes. */
  bandwidth: number;
}

/** Tarballs by ranges from the host. A connection that breaks off is made again at the byte that was reached. */
export class HostFiles implements EnvironmentSource {
  readonly #parts: HostFilesParts;
  /** Monotonic: before that, the bandwidth is used up. One for all loads of the node. */
  #freeAt = 0;

  constructor(parts: HostFilesParts) {
    this.#parts = parts;
  }

  async index({ name, digest }: EnvironmentReference): Promise<TarballIndex | undefined> {
    try {
      const found = await this.#parts.client.environmentIndex(name, digest);
      return parseTarballIndex(JSON.stringify(found), `what the host has of environment ${name}`);
    } catch (error) {
      if (hasCode(error, 'NotFound')) return undefined;
      throw error;
    }
  }

  bytes(environment: EnvironmentReference): ByteSource {
    return { read: (range, signal) => this.#read(environment, range, signal) };
  }

  async *#read(
    environment: EnvironmentReference,
    range: ByteRange,
    signal: AbortSignal,
  ): AsyncGenerator<Uint8Array> {
    const { client, clock, rng } = this.#parts;
    const { name, digest } = environment;
    let done = 0;
    for (let failures = 0; done < range.size; ) {
      const rest = { offset: range.offset + done, size: range.size - done };
      try {
        for await (const chunk of client.environmentBytes(name, digest, rest, signal)) {
          await this.#wait(chunk.length, signal);
          done += chunk.length;
          failures = 0;
          yield chunk;
        }
      } catch (error) {
        signal.throwIfAborted();
        if (hasCode(error, 'NotFound')) throw unavailable(environment, 'the host has deleted it', error);
        failures += 1;
        if (!(error instanceof RiverError && error.transient) || failures >= failuresAtMost) throw error;
        await sleep(clock, backoffDelay(backoff, failures - 1, rng), signal);
      }
    }
  }

  async #wait(bytes: number, signal: AbortSignal): Promise<void> {
    const { bandwidth, clock } = this.#parts;
    if (bandwidth === 0) return;
    const now = clock.monotonic();
    this.#freeAt = Math.max(this.#freeAt, now) + (bytes / bandwidth) * 1000;
    const waitMs = this.#freeAt - now;
    // Sleeps are not exact: short ones add up to one that is.
    if (waitMs > 20) await sleep(clock, waitMs, signal);
  }
}

import type { FileHandle } from 'node:fs/promises';
import { open } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import type Docker from 'dockerode';
import { backoffDelay, type Clock, type Logger, type Rng, sleep } from '../../base/index.ts';
import { Demultiplexer } from './demultiplex.ts';
import { engineStatus } from './engine-errors.ts';

const retry = { baseMs: 100, capMs: 10_000 };
/** Refusals (not silence) of the engine or the disk after which the output is given up, so that the run can end. */
const refusalsAtMost = 8;

export interface OutputSource {
  runUid: string;
  id: string;
  outPath: string;
  errPath: string;
}

interface Follow {
  /** Of the connection to the engine, when it began: a drain counts only in the one in which it was made. */
  epoch: number;
  drained: boolean;
  stream?: Readable;
  ended: Promise<void>;
}

/** Appends one stream to its file, leaving out the bytes that are there already. */
class Sink {
  readonly #file: FileHandle;
  #skip: number;

  private constructor(file: FileHandle, skip: number) {
    this.#file = file;
    this.#skip = skip;
  }

  static async open(path: string): Promise<Sink> {
    const file = await open(path, 'a', 0o644);
    return new Sink(file, (await file.stat()).size);
  }

  async write(data: Buffer): Promise<void> {
    const skipped = Math.min(this.#skip, data.length);
    this.#skip -= skipped;
    if (skipped < data.length) await this.#file.appendFile(data.subarray(skipped));
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}

/**
 * Copies the output of containers from the engine's logs to their files. A restart goes on at the byte where it
 * stopped: the engine's log is whole and the files say how much of it they have.
 */
export class Outputs {
  readonly #parts: {
    engine: Docker;
    clock: Clock;
    rng: Rng;
    logger: Logger;
    onDrained: (runUid: string) => void;
  };
  readonly #follows = new Map<string, Follow>();
  #epoch = 0;
  #closed = false;

  constructor(parts: {
    engine: Docker;
    clock: Clock;
    rng: Rng;
    logger: Logger;
    onDrained: (runUid: string) => void;
  }) {
    this.#parts = parts;
  }

  /** After the connection to the engine was lost: an end of a log before that proves nothing. */
  newEpoch(): void {
    this.#epoch += 1;
  }

  isDrained(runUid: string): boolean {
    const follow = this.#follows.get(runUid);
    return follow?.drained === true && follow.epoch === this.#epoch;
  }

  isFollowed(runUid: string): boolean {
    return this.#follows.has(runUid);
  }

  /** Idempotent. Goes on by itself until the engine says that the log has ended. */
  follow(source: OutputSource): void {
    const before = this.#follows.get(source.runUid);
    if (this.#closed || (before && (!before.drained || before.epoch === this.#epoch))) return;
    const follow: Follow = { epoch: this.#epoch, drained: false, ended: Promise.resolve() };
    this.#follows.set(source.runUid, follow);
    follow.ended = this.#run(source, follow).then(() => {
      follow.drained = true;
      if (this.#isCurrent(source.runUid, follow)) this.#parts.onDrained(source.runUid);
    });
  }

  #isCurrent(runUid: string, follow: Follow): boolean {
    return !this.#closed && this.#follows.get(runUid) === follow;
  }

  async #run(source: OutputSource, follow: Follow): Promise<void> {
    const { clock, rng, logger } = this.#parts;
    for (let attempt = 0, refusals = 0; this.#isCurrent(source.runUid, follow); attempt++) {
      try {
        follow.epoch = this.#epoch;
        await this.#copy(source, follow);
        return;
      } catch (error) {
        if (!this.#isCurrent(source.runUid, follow)) return;
        if (engineStatus(error) !== undefined || (error as NodeJS.ErrnoException).path !== undefined)
          refusals += 1;
        logger.warn('cannot collect the output of a container', { runUid: source.runUid, error });
        if (refusals >= refusalsAtMost) return;
        await sleep(clock, backoffDelay(retry, attempt, rng));
      }
    }
  }

  async #copy(source: OutputSource, follow: Follow): Promise<void> {
    const sinks: Sink[] = [];
    try {
      for (const path of [source.outPath, source.errPath]) sinks.push(await Sink.open(path));
      const logs = this.#parts.engine
        .getContainer(source.id)
        .logs({ follow: true, stdout: true, stderr: true });
      const stream = (await logs) as unknown as Readable;
      follow.stream = stream;
      if (!this.#isCurrent(source.runUid, follow)) stream.destroy();
      const frames = new Demultiplexer();
      for await (const chunk of stream) {
        for (const piece of frames.push(chunk as Buffer))
          await sinks[piece.stream === 2 ? 1 : 0]?.write(piece.data);
      }
    } finally {
      for (const sink of sinks) await sink.close();
    }
  }

  forget(runUid: string): void {
    const follow = this.#follows.get(runUid);
    this.#follows.delete(runUid);
    follow?.stream?.destroy();
  }

  async close(): Promise<void> {
    this.#closed = true;
    const follows = [...this.#follows.values()];
    for (const follow of follows) follow.stream?.destroy();
    await Promise.allSettled(follows.map((follow) => (follow.stream ? follow.ended : undefined)));
  }
}

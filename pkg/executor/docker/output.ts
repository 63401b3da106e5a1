import type { FileHandle } from 'node:fs/promises';
import { open } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import type Docker from 'dockerode';
import { backoffDelay, type Clock, errorMessage, type Logger, type Rng, sleep } from '../../base/index.ts';
import { Demultiplexer, engineStatus, type Piece } from '../../engine/index.ts';
import { answeredWithin, answerWithinMs } from './patience.ts';

const retry = { baseMs: 100, capMs: 10_000 };
const followAfterMs = 300;
/** Refusals (not silence) of the engine or the disk after which the output is given up, so that the run can end. */
const refusalsAtMost = 8;
/**
 * A disk without room is waited for: the engine still has the output, and while there is no room the node takes nothing new,
 * so that nobody else needs what the run keeps.
 */
const roomPatienceMs = 600_000;

export interface OutputSource {
  runUid: string;
  id: string;
  outPath: string;
  errPath: string;
}

interface Copying {
  source: OutputSource;
  drained: boolean;
  /** Why the output was given up. */
  lost?: string;
  stream?: Readable;
  /** Aborted when the container is known to have ended, or nobody wants its output any more. */
  ended: AbortController;
  unwanted: AbortController;
  done: Promise<void>;
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

  /** One call of the system for all pieces: a program's lines are a frame each. */
  async write(pieces: Buffer[]): Promise<void> {
    const data = pieces.length === 1 ? (pieces[0] ?? Buffer.alloc(0)) : Buffer.concat(pieces);
    const skipped = Math.min(this.#skip, data.length);
    this.#skip -= skipped;
    if (skipped < data.length) await this.#file.appendFile(data.subarray(skipped));
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}

export interface OutputsParts {
  engine: Docker;
  clock: Clock;
  rng: Rng;
  logger: Logger;
  count: (event: 'output_failed') => void;
  /** All output of a container that has ended is in its files now. */
  onDrained: (runUid: string) => void;
}

/**
 * Copies the output of containers from the engine's logs to their files: while one runs by following, and once
 * more, from the start, when it is known to have ended. That second reading is what completes the files: an engine
 * may end a followed log before its last lines (seen on 20.10). No byte is written twice, because the engine's log
 * is whole and the files say how much of it they have; for that reason a restart goes on where it stopped, too.
 */
export class Outputs {
  readonly #parts: OutputsParts;
  readonly #copying = new Map<string, Copying>();
  #closed = false;

  constructor(parts: OutputsParts) {
    this.#parts = parts;
  }

  isDrained(runUid: string): boolean {
    return this.#copying.get(runUid)?.drained === true;
  }

  /** Why a part of it could not be collected; undefined when all of it could. */
  lost(runUid: string): string | undefined {
    return this.#copying.get(runUid)?.lost;
  }

  /** Idempotent. */
  follow(source: OutputSource): void {
    if (this.#closed || this.#copying.has(source.runUid)) return;
    const copying: Copying = {
      source,
      drained: false,
      ended: new AbortController(),
      unwanted: new AbortController(),
      done: Promise.resolve(),
    };
    this.#copying.set(source.runUid, copying);
    copying.done = this.#run(copying);
  }

  /** The container has ended: what is left is read, then `onDrained` is called. False when it was never followed. */
  finish(runUid: string): boolean {
    const copying = this.#copying.get(runUid);
    if (copying) this.#endStream(copying);
    return copying !== undefined;
  }

  /** As `finish`, and answers when all of it is read, or nobody wants it any more. */
  async drain(runUid: string): Promise<void> {
    this.finish(runUid);
    await this.#copying.get(runUid)?.done;
  }

  #endStream(copying: Copying): void {
    copying.ended.abort();
    copying.stream?.destroy();
  }

  #isWanted(copying: Copying): boolean {
    return !this.#closed && this.#copying.get(copying.source.runUid) === copying;
  }

  async #run(copying: Copying): Promise<void> {
    const { clock, rng } = this.#parts;
    const { signal } = copying.ended;
    // Most programs of a large batch have ended by then: one request less for each.
    await sleep(clock, followAfterMs, signal).catch(() => {});
    for (let attempt = 0; !signal.aborted; attempt++) {
      await this.#copy(copying, true).catch((error: unknown) => {
        // Whoever ends the following breaks the stream.
        if (!signal.aborted) this.#warn(copying, error);
      });
      await sleep(clock, backoffDelay(retry, attempt, rng), signal).catch(() => {});
    }
    await this.#complete(copying);
    if (!this.#isWanted(copying)) return;
    copying.drained = true;
    this.#parts.onDrained(copying.source.runUid);
  }

  async #complete(copying: Copying): Promise<void> {
    const { clock, rng } = this.#parts;
    const waitsUntil = clock.monotonic() + roomPatienceMs;
    for (let attempt = 0, refusals = 0; this.#isWanted(copying) && refusals < refusalsAtMost; attempt++) {
      try {
        return await this.#copy(copying, false);
      } catch (error) {
        this.#warn(copying, error);
        const waits = isWithoutRoom(error) && clock.monotonic() < waitsUntil;
        if (!waits && (engineStatus(error) !== undefined || isFileError(error))) refusals += 1;
        if (refusals === refusalsAtMost) copying.lost = errorMessage(error);
        await sleep(clock, backoffDelay(retry, attempt, rng), copying.unwanted.signal).catch(() => {});
      }
    }
  }

  #warn(copying: Copying, error: unknown): void {
    if (!this.#isWanted(copying)) return;
    this.#parts.count('output_failed');
    this.#parts.logger.warn('cannot collect the output of a container', {
      runUid: copying.source.runUid,
      error,
    });
  }

  async #copy(copying: Copying, untilEnded: boolean): Promise<void> {
    const { source } = copying;
    const sinks: Sink[] = [];
    try {
      for (const path of [source.outPath, source.errPath]) sinks.push(await Sink.open(path));
      const stream = await this.#openLog(source.id);
      copying.stream = stream;
      if (!this.#isWanted(copying) || (untilEnded && copying.ended.signal.aborted)) stream.destroy();
      const frames = new Demultiplexer();
      for await (const chunk of stream) await writePieces(sinks, frames.push(chunk as Buffer));
    } finally {
      for (const sink of sinks) await sink.close();
    }
  }

  /** Of a container that has ended the engine sends everything there is, and then the end, also when asked to follow. */
  async #openLog(id: string): Promise<Readable> {
    const { engine, clock } = this.#parts;
    const what = { follow: true as const, stdout: true, stderr: true };
    const logs = await answeredWithin(clock, answerWithinMs, (abortSignal) =>
      engine.getContainer(id).logs({ ...what, abortSignal }),
    );
    return logs as unknown as Readable;
  }

  forget(runUid: string): void {
    const copying = this.#copying.get(runUid);
    this.#copying.delete(runUid);
    if (copying) this.#giveUp(copying);
  }

  #giveUp(copying: Copying): void {
    copying.unwanted.abort();
    this.#endStream(copying);
  }

  /** Answers when no file is open any more. */
  async close(): Promise<void> {
    this.#closed = true;
    const all = [...this.#copying.values()];
    for (const copying of all) this.#giveUp(copying);
    await Promise.all(all.map((copying) => copying.done));
  }
}

function isWithoutRoom(error: unknown): boolean {
  return error instanceof Error && 'code' in error && ['ENOSPC', 'EDQUOT'].includes(String(error.code));
}

/** As a full disk or a folder that is gone: unlike an engine that is away, it may stay so. */
function isFileError(error: unknown): boolean {
  return (
    error instanceof Error && 'syscall' in error && ['open', 'write', 'fstat'].includes(String(error.syscall))
  );
}

async function writePieces(sinks: Sink[], pieces: Piece[]): Promise<void> {
  const [out, err] = [false, true].map((isErr) =>
    pieces.filter((piece) => (piece.stream === 2) === isErr).map((piece) => piece.data),
  );
  await Promise.all([sinks[0]?.write(out ?? []), sinks[1]?.write(err ?? [])]);
}

import { watch } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { logPaths } from '../api/index.ts';
import { type Clock, RiverError } from '../base/index.ts';
import type { LogReader, LogStream, OutputName, OutputRequest } from './log-reader.ts';
import { tailOffset } from './tail.ts';
import { Wakeup } from './wakeup.ts';

const blockBytes = 64 * 1024;
/** Shared folders on a network tell nothing of changes made elsewhere: then this is how late a line comes. */
const pollMs = 500;

/** Reads `<root>/<namespace>/<run>.out|.err` under the first root that has it. */
export class FileLogReader implements LogReader {
  readonly #roots: readonly string[];
  readonly #clock: Clock;

  constructor(roots: readonly string[], clock: Clock) {
    this.#roots = roots;
    this.#clock = clock;
  }

  /** Holds nothing open until the chunks are asked for: a reader that goes before that leaves nothing behind. */
  async open(request: OutputRequest): Promise<LogStream> {
    if (request.exists && !(await this.has(request))) throw gone(request);
    const startsAt =
      request.tailLines === undefined ? (request.offset ?? 0) : await this.#tail(request, request.tailLines);
    return { startsAt, chunks: this.#chunks(request, startsAt) };
  }

  /** Whether there is a file at all. */
  async has(output: OutputName): Promise<boolean> {
    const file = await this.#find(output);
    await file?.close();
    return file !== undefined;
  }

  async #tail(request: OutputRequest, lines: number): Promise<number> {
    const file = await this.#find(request);
    if (!file) return 0;
    try {
      return await tailOffset(file, lines);
    } finally {
      await file.close();
    }
  }

  async *#chunks(request: OutputRequest, startsAt: number): AsyncGenerator<Uint8Array> {
    const change = new ChangeSignal(this.#clock, request, this.#paths(request));
    let file: FileHandle | undefined;
    let position = startsAt;
    try {
      for (;;) {
        // Asked before the end is looked for: what was written before the Run ended is then sent for certain.
        const mayGrow = request.follow === true && request.mayGrow();
        file ??= await this.#find(request);
        if (file) {
          for await (const block of blocksFrom(file, position)) {
            position += block.length;
            yield block;
          }
        }
        if (!mayGrow || request.signal?.aborted) return;
        await change.next();
      }
    } finally {
      change.close();
      await file?.close();
    }
  }

  async #find(request: OutputName): Promise<FileHandle | undefined> {
    for (const path of this.#paths(request)) {
      try {
        return await open(path, 'r');
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      }
    }
    return undefined;
  }

  #paths({ namespace, run, stream }: OutputName): string[] {
    return this.#roots.map((root) => logPaths(root, namespace, run)[stream === 'stdout' ? 'out' : 'err']);
  }
}

function gone({ namespace, run, stream }: OutputName): RiverError {
  const message = `the ${stream} of run ${run} is gone: somebody has removed its file from logs/${namespace}`;
  return new RiverError('NotFound', message);
}

async function* blocksFrom(file: FileHandle, from: number): AsyncGenerator<Buffer> {
  let position = from;
  for (;;) {
    const { bytesRead, buffer } = await file.read({ buffer: Buffer.allocUnsafe(blockBytes), position });
    if (bytesRead === 0) return;
    position += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}

/** Resolves `next` when a file may have grown, the Run may have ended, or the reader has gone. */
class ChangeSignal {
  readonly #clock: Clock;
  readonly #close: (() => void)[] = [];
  readonly #wakeup = new Wakeup();

  constructor(clock: Clock, request: OutputRequest, paths: string[]) {
    this.#clock = clock;
    if (!request.follow) return;
    const { fire } = this.#wakeup;
    const state = request.onStateChange(fire);
    this.#close.push(() => state.close());
    request.signal?.addEventListener('abort', fire, { once: true });
    this.#close.push(() => request.signal?.removeEventListener('abort', fire));
    for (const folder of new Set(paths.map(dirname))) this.#watchFolder(folder, fire);
  }

  async next(): Promise<void> {
    const timer = this.#clock.after(pollMs, this.#wakeup.fire, { unref: true });
    await this.#wakeup.next();
    timer.cancel();
  }

  close(): void {
    for (const close of this.#close) close();
  }

  #watchFolder(folder: string, fire: () => void): void {
    try {
      const watcher = watch(folder, { persistent: false }, fire);
      watcher.on('error', () => watcher.close());
      this.#close.push(() => watcher.close());
    } catch {
      // Not there yet, or no watches left: the timer looks instead.
    }
  }
}

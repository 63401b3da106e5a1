import type { Duplex } from 'node:stream';
import type Docker from 'dockerode';
import { type Clock, errorMessage, type Logger, RiverError, sleep } from '../../base/index.ts';
import { Demultiplexer, engineError, engineStatus, hostEngine } from '../../engine/index.ts';
import type { OutputPiece, ShellProcess, TerminalSize } from '../index.ts';
import { hangUp } from './hang-up.ts';

export interface DockerProcessParts {
  engine: Docker;
  exec: Docker.Exec;
  /** What the engine has made of the connection: input and output in one. */
  stream: Duplex;
  tty: boolean;
  socketPath: string;
  clock: Clock;
  logger: Logger;
  /** Nothing of it runs any more, or is meant to. */
  onEnded(): Promise<void>;
}

/** Between two questions whether it has ended. */
const askAtMostMs = 500;
const endOfFile = Buffer.of(4);

export class DockerProcess implements ShellProcess {
  readonly output: AsyncIterable<OutputPiece>;
  readonly #parts: DockerProcessParts;
  readonly #hungUp = new AbortController();
  /** The one that counts; set while the engine is told. */
  #size: TerminalSize | undefined;

  constructor(parts: DockerProcessParts) {
    this.#parts = parts;
    // Heard of by who reads; a writer only has nobody to write to.
    parts.stream.on('error', () => {});
    this.output = this.#read();
  }

  write(data: Uint8Array): Promise<void> {
    const { stream } = this.#parts;
    return new Promise((resolve) => {
      if (stream.writable) stream.write(data, () => resolve());
      else resolve();
    });
  }

  endInput(): void {
    const { stream, tty } = this.#parts;
    // The engine keeps a terminal open when its client has nothing more to say.
    if (tty) void this.write(endOfFile);
    else if (stream.writable) stream.end();
  }

  async resize(size: TerminalSize): Promise<void> {
    if (!this.#parts.tty) return;
    const isTelling = this.#size !== undefined;
    this.#size = size;
    if (!isTelling) await this.#tellSize(size);
  }

  async exitCode(): Promise<number> {
    const code = await this.#ending();
    await this.#parts.onEnded();
    return code;
  }

  async hangUp(): Promise<void> {
    const { engine, exec, stream, clock, logger, onEnded } = this.#parts;
    this.#hungUp.abort(new RiverError('Conflict', 'it was hung up'));
    stream.destroy();
    try {
      await hangUp({ engine, exec, clock });
      await onEnded();
    } catch (error) {
      const reason = errorMessage(error);
      logger.warn('a program whose client has gone cannot be ended', { exec: exec.id, reason });
    }
  }

  async #ending(): Promise<number> {
    const { exec, clock, socketPath } = this.#parts;
    try {
      for (let attempt = 0; ; attempt++) {
        const { Running, ExitCode } = await exec.inspect();
        if (!Running && ExitCode !== null) return ExitCode;
        await sleep(clock, Math.min(10 * 2 ** attempt, askAtMostMs), this.#hungUp.signal);
      }
    } catch (error) {
      if (engineStatus(error) !== 404) throw engineError(error, socketPath, hostEngine);
      throw new RiverError('Conflict', 'its container was removed: what ran in it has ended');
    }
  }

  async *#read(): AsyncGenerator<OutputPiece> {
    const { stream, tty, socketPath } = this.#parts;
    const frames = new Demultiplexer();
    try {
      for await (const chunk of stream as AsyncIterable<Buffer>) {
        if (tty) yield { stream: 'stdout', data: chunk };
        else
          for (const piece of frames.push(chunk))
            yield { stream: piece.stream === 2 ? 'stderr' : 'stdout', data: piece.data };
      }
    } catch (error) {
      if (!this.#hungUp.signal.aborted) throw engineError(error, socketPath, hostEngine);
    }
  }

  async #tellSize(size: TerminalSize): Promise<void> {
    const { exec, logger } = this.#parts;
    // A program that has just ended has no terminal any more.
    await exec.resize({ w: size.columns, h: size.rows }).catch((error: unknown) => {
      logger.debug('a terminal was not resized', { exec: exec.id, reason: errorMessage(error) });
    });
    const next = this.#size;
    if (next !== undefined && next !== size) return this.#tellSize(next);
    this.#size = undefined;
  }
}

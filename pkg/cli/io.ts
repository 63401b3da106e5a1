import type { Readable } from 'node:stream';
import type { Clock, Rng } from '../base/index.ts';

/** The terminal in which the program was started, when both its input and its output are that. */
export interface Terminal {
  size(): { columns: number; rows: number };
  /** Answers how to stop hearing of it. */
  onResize(changed: () => void): () => void;
  /** Every key as it is, Ctrl-C among them, and no echo. Undone also when the program ends in another way than it should. */
  setRaw(raw: boolean): void;
}

/** One of the two streams that a command writes to. */
export interface Output {
  /** Resolves when the stream has taken it, so that a slow reader slows the command down and not its memory up. */
  write(data: string | Uint8Array): Promise<void>;
  /** Progress and colours are for terminals only. */
  readonly isTerminal: boolean;
}

/** All that a command knows of the process it runs in; tests pass their own. */
export interface CliIo {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Relative paths of `-f` start here. */
  readonly cwd: string;
  readonly homeDir: string;
  readonly isRoot: boolean;
  /** Of the Node that runs this program, and of the folder with the programs: absolute. */
  readonly nodePath: string;
  readonly programFolder: string;
  readonly stdin: Readable;
  readonly terminal?: Terminal;
  readonly stdout: Output;
  readonly stderr: Output;
  readonly clock: Clock;
  readonly rng: Rng;
  /** Aborts when the person presses Ctrl-C or the process is told to end. */
  readonly signal: AbortSignal;
}

/** Whether colours may be written there: a terminal, and the person has not set NO_COLOR (no-color.org) or TERM=dumb. */
export function mayColour(io: CliIo, output: Output): boolean {
  return output.isTerminal && !io.env.NO_COLOR && io.env.TERM !== 'dumb';
}

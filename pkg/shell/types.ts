/** In characters. */
export interface TerminalSize {
  columns: number;
  rows: number;
}

export interface OutputPiece {
  stream: 'stdout' | 'stderr';
  data: Uint8Array;
}

/** A program that runs, with its streams. With a terminal all output is `stdout`. */
export interface ShellProcess {
  /** In the order in which it was written. Nothing is read ahead of who takes it. Ends with the program. */
  readonly output: AsyncIterable<OutputPiece>;
  /** Resolves when there is room for more; also when the program takes none any more. */
  write(data: Uint8Array): Promise<void>;
  /** No more is written; a terminal is told as by Ctrl-D. */
  endInput(): void;
  /** Ignored without a terminal. */
  resize(size: TerminalSize): void;
  /** Once `output` has ended. As Docker counts: 128 + the signal that ended it. Raises when the engine cannot say. */
  exitCode(): Promise<number>;
  /** As when a terminal is taken away. Resolves when nothing of it runs any more but what ignores that on purpose. */
  hangUp(): Promise<void>;
}

/** What is to run, and with which streams. */
export interface ShellRequest {
  /** argv; empty: the shell of the image. */
  command: readonly string[];
  tty: boolean;
  stdin: boolean;
  stdout: boolean;
  stderr: boolean;
  /** Kind of the terminal, as in `xterm-256color`. */
  term?: string;
  /** Of the terminal at its start. */
  size?: TerminalSize;
}

export interface ContainerShells {
  /** Raises `RiverError`: there is no such container or it does not run, the image has no shell, the engine is away. */
  start(container: string, request: ShellRequest): Promise<ShellProcess>;
}

/** How a program ended; `problem`: why it could not be started. */
export type Ending = { exitCode: number } | { signal: string } | { problem: string };

export interface LocalCommand {
  argv: readonly string[];
  /** Beside the variables of this process. */
  env: Readonly<Record<string, string>>;
}

/** What it writes. Left out: it shares the streams of this process, its standard input too. */
export interface Capture {
  stdout(chunk: Uint8Array): void;
  stderr(chunk: Uint8Array): void;
}

/** The machine that riverun runs on; tests pass their own. */
export interface LocalMachine {
  /** CPUs that this process may use. */
  readonly cores: number;
  /** Whether a shell would find a program of this name, or there is one at this path. */
  hasProgram(name: string): boolean;
  /** Runs it to its end; the signal asks it to end. Never throws. */
  run(command: LocalCommand, signal: AbortSignal, capture?: Capture): Promise<Ending>;
}

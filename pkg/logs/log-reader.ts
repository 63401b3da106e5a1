export interface OutputName {
  namespace: string;
  run: string;
  stream: 'stdout' | 'stderr';
}

/** Which bytes of the output of a Run are wanted. */
export interface OutputRequest extends OutputName {
  /** Bytes to skip. Beyond the end: waits with `follow`, else nothing. */
  offset?: number;
  /** Begins so many lines before the end; wins over offset. */
  tailLines?: number;
  follow?: boolean;
  /** The Run has ended and had output: a file that is not there is then gone, and not late. */
  exists?: boolean;
  /** Whether more can still come; asked after each time that the end of the file was reached. */
  mayGrow(): boolean;
  /** Calls back when `mayGrow`, or what else the request tells, may answer otherwise. */
  onStateChange(listener: () => void): { close(): void };
  signal?: AbortSignal;
}

export interface LogRequest extends OutputRequest {
  /** Name of the node that the Run is bound to at the moment; undefined: of none, so that there is no output yet. */
  node(): string | undefined;
}

export interface LogStream {
  /** Offset in bytes of the first byte that comes. */
  startsAt: number;
  chunks: AsyncIterable<Uint8Array>;
}

/** Where the output of Runs is read. Never follows a path that an object names. */
export interface LogReader {
  /**
   * Raises `ServiceUnavailable` when the output cannot be reached now; a broken stream raises it later. `NotFound`: it was
   * there and is no more. When `chunks` is never read, only the signal lets go of what is held open.
   */
  open(request: LogRequest): Promise<LogStream>;
}

export interface OutputName {
  namespace: string;
  run: string;
  stream: 'stdout' | 'stderr';
}

export interface LogRequest extends OutputName {
  /** Bytes to skip. Beyond the end: waits with `follow`, else nothing. */
  offset?: number;
  /** Begins so many lines before the end; wins over offset. */
  tailLines?: number;
  follow?: boolean;
  /** Whether more can still come; asked after each time that the end of the file was reached. */
  mayGrow(): boolean;
  /** Calls back when `mayGrow` may answer otherwise. */
  onStateChange(listener: () => void): { close(): void };
  signal?: AbortSignal;
}

export interface LogStream {
  /** Offset in bytes of the first byte that comes. */
  startsAt: number;
  chunks: AsyncIterable<Uint8Array>;
}

/** Where the output of Runs is read. Never follows a path that an object names. */
export interface LogReader {
  open(request: LogRequest): Promise<LogStream>;
  /** Whether there is anything, if only an empty file. */
  has(output: OutputName): Promise<boolean>;
}

import { errorMessage, RiverError, type Timer } from '../../base/index.ts';
import type { Connection } from './connection.ts';

export function environmentPath(name: string, digest: string, part: 'index' | 'tarball'): string {
  return `/apis/river.dev/v1/environments/${encodeURIComponent(name)}/${encodeURIComponent(digest)}/${part}`;
}

/** A stretch of a tarball, exactly. */
export async function* streamEnvironment(
  connection: Connection,
  path: string,
  { offset, size }: { offset: number; size: number },
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  if (size === 0) return;
  const idle = new IdleLimit(connection);
  const both = AbortSignal.any([signal, idle.signal]);
  let received = 0;
  try {
    idle.touch();
    const headers = { range: `bytes=${offset}-${offset + size - 1}` };
    const response = await connection.stream({ method: 'GET', path, headers, signal: both });
    try {
      if (response.statusCode !== 206) throw cut(connection, 'it sent another part than was asked for');
      for await (const chunk of response as AsyncIterable<Uint8Array>) {
        idle.touch();
        received += chunk.length;
        yield chunk;
      }
    } finally {
      response.destroy();
    }
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof RiverError && error.code !== 'Timeout') throw error;
    throw cut(connection, errorMessage(error), error);
  } finally {
    idle.cancel();
  }
  if (received !== size) throw cut(connection, `${received} of ${size} bytes came`);
}

function cut(connection: Connection, why: string, cause?: unknown): RiverError {
  const message = `reading an environment from the host at ${connection.server} broke off: ${why}`;
  return new RiverError('ServiceUnavailable', message, {}, { cause });
}

/** Aborts when nothing has come for a while. */
class IdleLimit {
  readonly #connection: Connection;
  readonly #abort = new AbortController();
  #timer: Timer | undefined;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  touch(): void {
    const { clock, idleTimeoutMs } = this.#connection;
    this.#timer?.cancel();
    const reason = new RiverError('ServiceUnavailable', `nothing came for ${idleTimeoutMs / 1000} s`);
    this.#timer = clock.after(idleTimeoutMs, () => this.#abort.abort(reason), { unref: true });
  }

  cancel(): void {
    this.#timer?.cancel();
  }
}

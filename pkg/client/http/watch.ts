import type { IncomingMessage } from 'node:http';
import { fromStatus, type Kind, type ObjectOf } from '../../api/index.ts';
import { errorMessage, RiverError, type Timer } from '../../base/index.ts';
import type { WatchHandler, WatchOptions } from '../types.ts';
import type { Connection } from './connection.ts';
import { resourcePath } from './paths.ts';

interface WireEvent {
  type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  object: { metadata?: { resourceVersion?: string } };
}

/** A newer host may tell more than these. */
const changes: ReadonlySet<string> = new Set(['ADDED', 'MODIFIED', 'DELETED']);

/**
 * One watch over one connection. It ends once, with `closed`: at the end of the stream, on an ERROR event, when the
 * connection breaks, and when nothing came for the idle timeout (a host that is alive sends bookmarks).
 */
export function startWatch<K extends Kind>(
  connection: Connection,
  kind: K,
  options: WatchOptions,
  handler: WatchHandler<ObjectOf<K>>,
): { close(): void } {
  const stream = new WatchStream(connection, handler as WatchHandler<unknown>);
  const { namespace, ...query } = options;
  stream.run(resourcePath(kind, namespace), { ...query, watch: true, allowWatchBookmarks: true });
  return { close: () => stream.close() };
}

class WatchStream {
  readonly #connection: Connection;
  readonly #handler: WatchHandler<unknown>;
  readonly #abort = new AbortController();
  #idle: Timer | undefined;
  #ended = false;

  constructor(connection: Connection, handler: WatchHandler<unknown>) {
    this.#connection = connection;
    this.#handler = handler;
  }

  run(path: string, query: Record<string, string | boolean | undefined>): void {
    this.#touch();
    this.#connection
      .stream({ method: 'GET', path, query, signal: this.#abort.signal })
      .then((response) => this.#read(response))
      .catch((error: unknown) => this.#end(asRiverError(error, this.#connection.server)));
  }

  close(): void {
    this.#ended = true;
    this.#idle?.cancel();
    this.#abort.abort();
  }

  #read(response: IncomingMessage): void {
    const lines = new LineSplitter((line) => this.#line(line));
    response.setEncoding('utf8');
    response.on('data', (text: string) => {
      this.#touch();
      lines.push(text);
    });
    response.on('end', () => this.#end());
    response.on('error', (error) => this.#end(asRiverError(error, this.#connection.server)));
    response.on('close', () => this.#end());
  }

  #line(line: string): void {
    if (this.#ended || line === '') return;
    const event = parseEvent(line);
    if (event) this.#event(event);
    else
      this.#end(
        new RiverError('InternalError', `${this.#connection.server} sent a watch event that is not JSON`),
      );
  }

  #event({ type, object }: WireEvent): void {
    if (type === 'ERROR') {
      this.#end(fromStatus(object, (object as { code?: number }).code ?? 500));
    } else if (type === 'BOOKMARK') {
      if (object.metadata?.resourceVersion) this.#handler.bookmark?.(object.metadata.resourceVersion);
    } else if (changes.has(type)) {
      this.#handler.event({ type, object });
    }
  }

  #touch(): void {
    this.#idle?.cancel();
    if (this.#ended) return;
    const { clock, idleTimeoutMs, server } = this.#connection;
    const message = `the host at ${server} sent nothing for ${idleTimeoutMs / 1000} s`;
    this.#idle = clock.after(idleTimeoutMs, () => this.#end(new RiverError('Timeout', message)), {
      unref: true,
    });
  }

  #end(error?: RiverError): void {
    if (this.#ended) return;
    this.close();
    this.#handler.closed(error);
  }
}

class LineSplitter {
  readonly #line: (line: string) => void;
  #rest: string[] = [];

  constructor(line: (line: string) => void) {
    this.#line = line;
  }

  push(text: string): void {
    const parts = text.split('\n');
    for (let index = 0; index < parts.length - 1; index++) {
      this.#rest.push(parts[index] ?? '');
      const line = this.#rest.join('');
      this.#rest = [];
      this.#line(line);
    }
    const tail = parts.at(-1) ?? '';
    if (tail !== '') this.#rest.push(tail);
  }
}

function parseEvent(line: string): WireEvent | undefined {
  try {
    return JSON.parse(line) as WireEvent;
  } catch {
    return undefined;
  }
}

function asRiverError(error: unknown, server: string): RiverError {
  if (error instanceof RiverError) return error;
  return new RiverError(
    'ServiceUnavailable',
    `the watch on ${server} broke: ${errorMessage(error)}`,
    {},
    { cause: error },
  );
}

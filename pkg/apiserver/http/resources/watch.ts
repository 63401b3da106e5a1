import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { apiVersion, type Kind, toStatus } from '../../../api/index.ts';
import { hasCode, type Timer } from '../../../base/index.ts';
import type { StoreEventType } from '../../../store/index.ts';
import type { Row } from '../../reads.ts';
import type { RowWatchHandler } from '../../watches.ts';
import { flagOf, numberOf, queryOf, watchOptionsOf } from '../queries.ts';
import type { RouteContext } from '../route-context.ts';

/** One JSON line an event, for as long as the client listens. Its connection is cut when it reads too slowly. */
export function sendWatch(
  context: RouteContext,
  request: FastifyRequest,
  reply: FastifyReply,
  kind: Kind,
  namespace: string | undefined,
): void {
  const query = queryOf(request);
  const options = watchOptionsOf(request, namespace);
  const timeoutSeconds = numberOf('timeoutSeconds', query.timeoutSeconds);
  const stream = new WatchStream(
    context,
    reply,
    kind,
    flagOf(query.allowWatchBookmarks),
    options.resourceVersion,
  );
  try {
    const watch = context.service.watch(request.identity, kind, options, stream);
    stream.begin(watch, timeoutSeconds);
  } catch (error) {
    // kubectl and client-go relist on this event; any other refusal is an answer of its own.
    if (!hasCode(error, 'Expired')) throw error;
    stream.begin({ close: () => {} }, undefined);
    stream.closed(error);
  }
}

class WatchStream implements RowWatchHandler {
  readonly #context: RouteContext;
  readonly #reply: FastifyReply;
  readonly #raw: ServerResponse;
  readonly #kind: Kind;
  readonly #bookmarks: boolean;
  #version: string;
  #initial: boolean;
  #begun = false;
  #timers: Timer[] = [];

  constructor(
    context: RouteContext,
    reply: FastifyReply,
    kind: Kind,
    bookmarks: boolean,
    from: string | undefined,
  ) {
    this.#context = context;
    this.#reply = reply;
    this.#raw = reply.raw;
    this.#kind = kind;
    this.#bookmarks = bookmarks;
    this.#version = from ?? '0';
    this.#initial = this.#version === '0' || this.#version === '';
  }

  /** The end of the response, not of the request, ends the watch: a request has ended long before. */
  begin(watch: { close(): void }, timeoutSeconds: number | undefined): void {
    this.#open();
    this.#raw.on('close', () => {
      watch.close();
      for (const timer of this.#timers) timer.cancel();
    });
    this.#raw.on('error', () => watch.close());
    if (this.#bookmarks) this.#schedule(this.#context.bookmarkMs);
    if (timeoutSeconds)
      this.#timers.push(
        this.#context.clock.after(timeoutSeconds * 1000, () => this.#raw.end(), { unref: true }),
      );
  }

  event(type: StoreEventType, row: Row): void {
    this.#version = versionOf(row) ?? this.#version;
    this.#write(`{"type":"${type}","object":${row.json}}\n`);
  }

  bookmark(version: number, initial: boolean): void {
    this.#version = String(version);
    if (!initial) return;
    this.#initial = false;
    if (this.#bookmarks) this.#sendBookmark({ 'k8s.io/initial-events-end': 'true' });
  }

  closed(error: Error): void {
    this.#write(`{"type":"ERROR","object":${JSON.stringify(toStatus(error))}}\n`);
    this.#raw.end();
  }

  /** Resolves when what is unsent of the initial state has gone out. Who reads nothing for long is dropped. */
  async ready(): Promise<void> {
    const { clock, bookmarkMs, watchBufferBytes } = this.#context;
    if (!this.#raw.writableNeedDrain || this.#raw.destroyed) return;
    if (this.#raw.writableLength <= watchBufferBytes / 4) return;
    const over = new AbortController();
    const { signal } = over;
    const patience = clock.after(3 * bookmarkMs, () => this.#drop(), { unref: true });
    await Promise.race([once(this.#raw, 'drain', { signal }), once(this.#raw, 'close', { signal })]).finally(
      () => over.abort(),
    );
    patience.cancel();
  }

  #open(): void {
    if (this.#begun) return;
    this.#begun = true;
    this.#reply.hijack();
    this.#raw.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-store' });
    this.#raw.flushHeaders();
  }

  /** Looks at what is unsent before it writes: one event alone never cuts a watch, however large it is. */
  #write(line: string): void {
    this.#open();
    if (this.#raw.destroyed || this.#raw.writableEnded) return;
    if (this.#initial || this.#raw.writableLength <= this.#context.watchBufferBytes) {
      this.#raw.write(line);
      return;
    }
    this.#drop();
  }

  #drop(): void {
    this.#context.logger.warn('slow watcher dropped', {
      kind: this.#kind,
      unsentBytes: this.#raw.writableLength,
    });
    this.#raw.destroy();
  }

  #schedule(delayMs: number): void {
    const timer = this.#context.clock.after(
      delayMs,
      () => {
        if (!this.#initial) this.#sendBookmark();
        this.#timers = this.#timers.filter((each) => each !== timer);
        this.#schedule(delayMs);
      },
      { unref: true },
    );
    this.#timers.push(timer);
  }

  #sendBookmark(annotations?: Record<string, string>): void {
    const metadata = { resourceVersion: this.#version, ...(annotations ? { annotations } : {}) };
    this.#write(
      `${JSON.stringify({ type: 'BOOKMARK', object: { kind: this.#kind, apiVersion, metadata } })}\n`,
    );
  }
}

/** A stored record knows its version without being parsed. */
function versionOf(row: Row & { version?: number }): string | undefined {
  return row.version === undefined ? row.object.metadata.resourceVersion : String(row.version);
}

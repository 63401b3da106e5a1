import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Agent as HttpsAgent } from 'node:https';
import { fromStatus } from '../../api/index.ts';
import { type Clock, RiverError } from '../../base/index.ts';
import { connectionError } from './connection-errors.ts';

// An import statement reads every export of node:https, and thereby loads fetch and WebSocket: 25 ms for each command.
const { Agent, request } = process.getBuiltinModule('node:https');

export interface HttpClientOptions {
  /** `https://127.0.0.1:8001`, without a path. */
  server: string;
  /** Certificate of the host's authority, PEM: the only one that is trusted. */
  ca: string;
  /** Of a node, which shows it in place of a token. PEM. */
  credential?: { certificate: string; key: string };
  /** Bearer token; never logged and never part of a message. */
  token?: string;
  clock: Clock;
  /** Until an answer is complete; streams are not limited by it. Default 30 s. */
  timeoutMs?: number;
  /** A watch on which nothing came for so long is dead. The host sends a bookmark every 10 s. Default 35 s. */
  idleTimeoutMs?: number;
  /** Names the program to the host: the default field manager. */
  userAgent?: string;
}

export interface Call {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  path: string;
  query?: Record<string, string | number | boolean | undefined>;
  contentType?: string;
  /** Bytes are sent as they are, anything else as JSON. */
  body?: unknown;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

export interface Answer {
  body: unknown;
  header(name: string): string | undefined;
}

/** As node:tls takes it. */
interface Trust {
  ca: string;
  rejectUnauthorized: true;
  cert?: string;
  key?: string;
}

/** Then the kernel asks whether the other side is there, ten times, a second apart (libuv: uv_tcp_keepalive). */
const silenceBeforeProbesMs = 15_000;

/** Requests on kept-alive connections to one host; every failure becomes a `RiverError` that says what to do. */
export class Connection {
  readonly server: string;
  readonly #url: URL;
  readonly #agent: HttpsAgent;
  /** Streams have connections of their own: they are cut by destroying them, which must not meet a pooled one. */
  readonly #streams: HttpsAgent;
  readonly #options: HttpClientOptions;
  readonly #trust: Trust;

  constructor(options: HttpClientOptions) {
    this.#options = options;
    this.#url = parseServer(options.server);
    this.server = options.server;
    const { ca, credential } = options;
    // Said, so that NODE_TLS_REJECT_UNAUTHORIZED does not undo it.
    this.#trust = {
      ca,
      rejectUnauthorized: true,
      ...(credential ? { cert: credential.certificate, key: credential.key } : {}),
    };
    this.#agent = new Agent({ ...this.#trust, keepAlive: true });
    this.#streams = new Agent({ ...this.#trust, keepAlive: false });
  }

  get clock(): Clock {
    return this.#options.clock;
  }

  get idleTimeoutMs(): number {
    return this.#options.idleTimeoutMs ?? 35_000;
  }

  /** For a WebSocket: where the host is, who is trusted there, and who asks. */
  get handshake(): { address: URL; trust: Trust; headers: Record<string, string> } {
    return { address: this.#url, trust: this.#trust, headers: this.#headers({}, undefined) };
  }

  close(): void {
    this.#agent.destroy();
    this.#streams.destroy();
  }

  /** A whole answer as JSON. Raises `RiverError` for every status from 400 up. */
  async call(call: Call): Promise<Answer> {
    const limit = new AbortController();
    const timeoutMs = this.#options.timeoutMs ?? 30_000;
    const timer = this.clock.after(timeoutMs, () => limit.abort(), { unref: true });
    try {
      const response = await this.#open({ ...call, signal: limit.signal }, this.#agent);
      const text = await this.#text(response);
      return { body: parseJson(text, this.server), header: (name) => headerOf(response, name) };
    } catch (error) {
      if (limit.signal.aborted) {
        throw new RiverError(
          'Timeout',
          `the host at ${this.server} did not answer within ${timeoutMs / 1000} s`,
        );
      }
      throw error;
    } finally {
      timer.cancel();
    }
  }

  /** A stream: the answer's head, its body is the caller's to read. Raises `RiverError` for every status from 400 up. */
  stream(call: Call): Promise<IncomingMessage> {
    return this.#open(call, this.#streams);
  }

  async #open(call: Call, agent: HttpsAgent): Promise<IncomingMessage> {
    const response = await this.#send(call, agent, true);
    if ((response.statusCode ?? 0) < 400) return response;
    throw await this.refusal(response);
  }

  /** What an answer that is not good says. */
  async refusal(response: IncomingMessage): Promise<RiverError> {
    const text = await this.#text(response);
    return this.#explain(fromStatus(tryJson(text), response.statusCode ?? 500));
  }

  #send(call: Call, agent: HttpsAgent, mayRetry: boolean): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const body = encoded(call.body);
      const outgoing = request({
        hostname: this.#url.hostname.replace(/^\[|\]$/g, ''),
        port: this.#url.port || 443,
        method: call.method,
        path: call.path + queryString(call.query),
        agent,
        headers: this.#headers(call, body),
        signal: call.signal,
      });
      // A stream may have nothing to say for days: only so is a host noticed that went away without a word.
      if (agent === this.#streams)
        outgoing.on('socket', (socket) => socket.setKeepAlive(true, silenceBeforeProbesMs));
      outgoing.on('response', resolve);
      outgoing.on('error', (error) => {
        if (mayRetry && call.method === 'GET' && wasStale(outgoing, error))
          resolve(this.#send(call, agent, false));
        else reject(this.#connectionError(error, call.signal));
      });
      outgoing.end(body);
    });
  }

  #headers(
    call: Pick<Call, 'headers' | 'contentType'>,
    body: string | Uint8Array | undefined,
  ): Record<string, string> {
    const headers: Record<string, string> = { accept: 'application/json', ...call.headers };
    if (this.#options.userAgent) headers['user-agent'] = this.#options.userAgent;
    if (this.#options.token) headers.authorization = `Bearer ${this.#options.token}`;
    if (body !== undefined) {
      headers['content-type'] = call.contentType ?? 'application/json';
      headers['content-length'] = String(Buffer.byteLength(body));
    }
    return headers;
  }

  async #text(response: IncomingMessage): Promise<string> {
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of response) chunks.push(chunk as Buffer);
    } catch (error) {
      throw this.#connectionError(error);
    }
    return Buffer.concat(chunks).toString('utf8');
  }

  #explain(error: RiverError): RiverError {
    if (error.code !== 'Unauthorized') return error;
    return new RiverError(
      'Unauthorized',
      `the host at ${this.server} does not accept ${this.#options.credential ? 'this machine' : 'this token'}: ${error.message}`,
      error.details,
    );
  }

  #connectionError(error: unknown, signal?: AbortSignal): RiverError {
    if (error instanceof RiverError) return error;
    if (signal?.aborted) return new RiverError('Timeout', 'the request was given up', {}, { cause: error });
    return connectionError(error, this.server);
  }
}

function encoded(body: unknown): string | Uint8Array | undefined {
  return body === undefined || body instanceof Uint8Array ? body : JSON.stringify(body);
}

function parseServer(server: string): URL {
  const url = URL.canParse(server) ? new URL(server) : undefined;
  if (url?.protocol === 'https:') return url;
  const written = JSON.stringify(server);
  throw new RiverError(
    'BadRequest',
    url?.protocol === 'http:'
      ? `the server address ${written} is not encrypted, and a token is never sent so: write https://HOST:PORT`
      : `the server address ${written} is not of the form https://HOST:PORT`,
  );
}

/** The host closed an idle connection at the moment at which it was used again: nothing was done there. */
function wasStale(outgoing: ClientRequest, error: Error): boolean {
  return outgoing.reusedSocket && (error as NodeJS.ErrnoException).code === 'ECONNRESET';
}

function tryJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function parseJson(text: string, server: string): unknown {
  const body = tryJson(text);
  if (body === undefined) {
    throw new RiverError(
      'InternalError',
      `${server} answered something that is not JSON; is it a River host?`,
    );
  }
  return body;
}

function headerOf(response: IncomingMessage, name: string): string | undefined {
  const value = response.headers[name];
  return Array.isArray(value) ? value[0] : value;
}

function queryString(query: Call['query']): string {
  const search = new URLSearchParams();
  for (const [key, value] of Object.entries(query ?? {})) {
    if (value !== undefined && value !== '' && value !== false) search.set(key, String(value));
  }
  return search.size === 0 ? '' : `?${search}`;
}

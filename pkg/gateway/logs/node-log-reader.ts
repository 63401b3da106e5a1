import { hasCode, RiverError } from '../../base/index.ts';
import {
  type FileLogReader,
  type LogReader,
  type LogRequest,
  type LogStream,
  Wakeup,
} from '../../logs/index.ts';
import type { Gateway } from '../host/gateway.ts';
import { openOnNode } from './tunnel-reader.ts';

export interface NodeLogReaderOptions {
  gateway: Pick<Gateway, 'isConnected' | 'whenConnected' | 'openChannel'>;
  /** The shared directory, where there is one: for nodes that are away. */
  shared?: FileLogReader;
  /** When the node was last heard of, RFC 3339; undefined: not since the host has started. */
  lastSeen: (node: string) => string | undefined;
  /** How long a node that is heard of may take to open its tunnel: after a restart it comes a moment later. */
  patienceMs: (node: string) => number;
}

/**
 * Reads the output of a Run where the Run is: through the tunnel of its node, else from the shared directory. A Run that
 * is followed before it has a node, or that moves to another one, is followed there.
 */
export class NodeLogReader implements LogReader {
  readonly #options: NodeLogReaderOptions;

  constructor(options: NodeLogReaderOptions) {
    this.#options = options;
  }

  async open(request: LogRequest): Promise<LogStream> {
    const node = request.node();
    // What was never on a node has no output, and so no last lines either.
    const nothing = {
      startsAt: request.tailLines === undefined ? (request.offset ?? 0) : 0,
      chunks: empty(),
    };
    const first = node === undefined ? nothing : await this.#openOn(node, request);
    if (!request.follow) return first;
    return { startsAt: first.startsAt, chunks: this.#follow(request, first, node) };
  }

  async *#follow(request: LogRequest, first: LogStream, on: string | undefined): AsyncGenerator<Uint8Array> {
    let position = first.startsAt;
    let stream = first;
    let node = on;
    for (;;) {
      for await (const chunk of stream.chunks) {
        position += chunk.length;
        yield chunk;
      }
      node = await nextNode(request, node);
      if (node === undefined) return;
      stream = await this.#openOn(node, { ...request, offset: position, tailLines: undefined });
    }
  }

  async #openOn(node: string, request: LogRequest): Promise<LogStream> {
    const { gateway, shared, patienceMs } = this.#options;
    const there = { ...request, mayGrow: () => request.mayGrow() && request.node() === node };
    const isShared = async () => (await shared?.has(request)) === true;
    if (gateway.isConnected(node)) {
      try {
        return await openOnNode(gateway, node, there);
      } catch (error) {
        // It may be cut off without the host knowing yet.
        if (!hasCode(error, 'ServiceUnavailable', 'Timeout') || !(await isShared())) throw error;
      }
    }
    if (shared && (await isShared())) return shared.open(there);
    if (await gateway.whenConnected(node, patienceMs(node), request.signal))
      return openOnNode(gateway, node, there);
    throw this.#away(node, request.run);
  }

  #away(node: string, run: string): RiverError {
    const seen = this.#options.lastSeen(node);
    const when = seen === undefined ? 'it was not heard of since the host has started' : `last seen ${seen}`;
    return new RiverError(
      'ServiceUnavailable',
      `the output of run ${run} is on node ${node}, which is not connected (${when}): start its runner, or look at its connection`,
    );
  }
}

/**
 * Waits until the Run is on a node; undefined when it can have no more output, or nobody reads any more. What a Run has
 * written on another node than the one before is there also when it has ended meanwhile.
 */
async function nextNode(request: LogRequest, before: string | undefined): Promise<string | undefined> {
  const wakeup = new Wakeup();
  const state = request.onStateChange(wakeup.fire);
  request.signal?.addEventListener('abort', wakeup.fire, { once: true });
  try {
    for (;;) {
      if (request.signal?.aborted) return undefined;
      const node = request.node();
      if (node !== undefined && (node !== before || request.mayGrow())) return node;
      if (!request.mayGrow()) return undefined;
      await wakeup.next();
    }
  } finally {
    state.close();
    request.signal?.removeEventListener('abort', wakeup.fire);
  }
}

async function* empty(): AsyncGenerator<Uint8Array> {}

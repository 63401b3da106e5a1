import type { ServerChannel } from 'ssh2';
import { type Clock, RiverError } from '../../base/index.ts';
import { ByteReader, readFrames } from '../frames.ts';
import {
  type ChannelAnswer,
  type ChannelRequest,
  decodeLine,
  encodeLine,
  fromWireError,
  type WireError,
} from '../protocol.ts';

/** A channel to a service of a node, which has agreed. */
export interface NodeChannel {
  /** What the service has answered. */
  answer: ChannelAnswer;
  /**
   * What it sends after that; whoever stops reading closes the channel. Raises `ServiceUnavailable` when the connection
   * breaks before the service has said that this is all.
   */
  chunks: AsyncIterable<Uint8Array>;
  /** Tells the service that nothing more comes from here: what that means is its affair. */
  finish(): void;
  close(): void;
}

/** Sends the request and waits for the answer. Raises what the node answers, and `Timeout`; then the channel is closed. */
export async function requestService(
  channel: ServerChannel,
  node: string,
  request: ChannelRequest,
  deadline: { clock: Clock; answerMs: number },
): Promise<NodeChannel> {
  // A connection that breaks is told by the end of what is read.
  channel.on('error', () => {});
  channel.write(encodeLine(request));
  const bytes = new ByteReader(channel);
  try {
    const line = await withinTime(bytes.line(), node, deadline);
    if (!line) throw broken(node);
    const answer = decodeLine(line) as ChannelAnswer | undefined;
    if (!answer) throw fromWireError(node, { code: 'InternalError', message: 'it sent what is no answer' });
    if (answer.error) throw fromWireError(node, answer.error);
    return { answer, chunks: chunksOf(channel, bytes, node), finish: () => channel.eof(), close };
  } catch (error) {
    close();
    throw error;
  }

  function close(): void {
    channel.close();
    void bytes.close();
  }
}

async function* chunksOf(channel: ServerChannel, bytes: ByteReader, node: string): AsyncGenerator<Buffer> {
  const failed = (error: WireError) => fromWireError(node, error);
  try {
    yield* readFrames(bytes, { broken: () => broken(node), failed });
  } finally {
    channel.close();
    void bytes.close();
  }
}

export function broken(node: string): RiverError {
  return new RiverError('ServiceUnavailable', `the connection to node ${node} broke`);
}

function withinTime<T>(
  promise: Promise<T>,
  node: string,
  { clock, answerMs }: { clock: Clock; answerMs: number },
): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = clock.after(
    answerMs,
    () => reject(new RiverError('Timeout', `node ${node} did not answer within ${answerMs / 1000} s`)),
    { unref: true },
  );
  return Promise.race([promise, late]).finally(() => timer.cancel());
}

import type { LogStream, OutputRequest } from '../../logs/index.ts';
import type { Gateway } from '../host/gateway.ts';
import type { NodeChannel } from '../host/node-channel.ts';
import { type LogChannelRequest, logServiceName } from './service.ts';

/** The output of a Run from the node that has it. Raises what `Gateway.openChannel` does. */
export async function openOnNode(
  gateway: Pick<Gateway, 'openChannel'>,
  node: string,
  request: OutputRequest,
): Promise<LogStream> {
  const { namespace, run, stream, offset, tailLines, exists } = request;
  const follow = request.follow === true;
  const wanted: LogChannelRequest = {
    service: logServiceName,
    namespace,
    run,
    stream,
    offset,
    tailLines,
    follow,
    exists,
  };
  const channel = await gateway.openChannel(node, wanted, request.signal);
  const { startsAt } = channel.answer;
  return {
    startsAt: typeof startsAt === 'number' ? startsAt : (offset ?? 0),
    chunks: follow ? whileItGrows(request, channel) : channel.chunks,
  };
}

/** Tells the node when nothing more can come, so that it sends the rest and ends. */
async function* whileItGrows(request: OutputRequest, channel: NodeChannel): AsyncGenerator<Uint8Array> {
  let finished = false;
  const look = () => {
    if (finished || request.mayGrow()) return;
    finished = true;
    channel.finish();
  };
  const state = request.onStateChange(look);
  try {
    look();
    yield* channel.chunks;
  } catch (error) {
    // Whoever asked is gone, and the channel was closed for that.
    if (!request.signal?.aborted) throw error;
  } finally {
    state.close();
  }
}

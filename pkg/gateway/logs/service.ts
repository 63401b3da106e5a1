import { nameProblem, namespaceProblem } from '../../api/index.ts';
import { RiverError } from '../../base/index.ts';
import type { LogReader, OutputRequest } from '../../logs/index.ts';
import type { ChannelService } from '../node/channel-server.ts';
import type { ChannelRequest } from '../protocol.ts';

/** Name of the service in channels. */
export const logServiceName = 'logs';

/** What the host sends. */
export interface LogChannelRequest extends ChannelRequest {
  service: typeof logServiceName;
  namespace: string;
  run: string;
  stream: 'stdout' | 'stderr';
  offset?: number;
  tailLines?: number;
  /** Goes on at the end of the file until the host has finished its side: then nothing more can come. */
  follow: boolean;
  /** There was output, and a file that is not there is an error. */
  exists?: boolean;
}

/** The output of the Runs of this node, from its files. */
export function logService(reader: {
  open(request: OutputRequest): ReturnType<LogReader['open']>;
}): ChannelService {
  return async (request, channel) => {
    const { startsAt, chunks } = await reader.open({
      ...checked(request),
      mayGrow: () => !channel.finished,
      onStateChange: (listener) => channel.onFinished(listener),
      signal: channel.signal,
    });
    await channel.answer({ startsAt });
    for await (const chunk of chunks) await channel.send(chunk);
  };
}

/** Names become part of a path: only what is a name gets that far, whoever asks. */
function checked(request: ChannelRequest): Omit<OutputRequest, 'mayGrow' | 'onStateChange' | 'signal'> {
  const { namespace, run, stream, offset, tailLines, follow, exists } = request as Partial<LogChannelRequest>;
  const problem =
    textProblem('namespace', namespace, namespaceProblem) ??
    textProblem('run', run, (name) => nameProblem(name)) ??
    (stream === 'stdout' || stream === 'stderr' ? undefined : 'stream must be stdout or stderr') ??
    countProblem('offset', offset) ??
    countProblem('tailLines', tailLines);
  if (problem !== undefined) throw new RiverError('BadRequest', problem);
  return {
    namespace: namespace as string,
    run: run as string,
    stream: stream as 'stdout' | 'stderr',
    offset,
    tailLines,
    follow: follow === true,
    exists: exists === true,
  };
}

function textProblem(field: string, value: unknown, problemOf: (text: string) => string | undefined) {
  const problem = typeof value === 'string' ? problemOf(value) : 'must be text';
  return problem && `${field} ${problem}`;
}

function countProblem(field: string, value: unknown): string | undefined {
  if (value === undefined || (Number.isSafeInteger(value) && (value as number) >= 0)) return undefined;
  return `${field} must be a whole number from 0 up`;
}

import { isBuildAwaited, isTerminal } from '../../api/index.ts';
import type { BuildLogOptions, Client, EnvironmentActions } from '../../client/index.ts';
import { Interrupted } from '../errors.ts';
import { type FollowSeams, passes, pause } from './follow.ts';

interface Wanted {
  follow: boolean;
  tailLines?: number;
}

export interface LogRequest extends Wanted {
  namespace: string;
  run: string;
  stream: 'stdout' | 'stderr';
}

export interface BuildLogRequest extends Wanted {
  environment: string;
}

interface Output {
  read(options: BuildLogOptions): AsyncIterable<Uint8Array>;
  /** Nothing more comes of it than what can be read after this answer. */
  hasEnded(): Promise<boolean>;
}

/**
 * The bytes of one stream of a run, each once. With `follow` until the run has ended and everything is read:
 * a broken connection, a restarted host or a run that has not started yet only make it wait, and it goes on from
 * the byte where it was.
 */
export function logStream(
  client: Client,
  request: LogRequest,
  seams: FollowSeams,
): AsyncGenerator<Uint8Array> {
  const { namespace, run, stream } = request;
  const output: Output = {
    read: (options) => client.logs(namespace, run, { stream, ...options }),
    hasEnded: async () => {
      const { status } = await client.get('Run', namespace, run);
      return isTerminal(status?.phase ?? 'Pending');
    },
  };
  return streamOf(output, request, seams);
}

/** The same of the last build of an environment; when the next one begins meanwhile, all of that. */
export function buildLogStream(
  client: Client & EnvironmentActions,
  request: BuildLogRequest,
  seams: FollowSeams,
): AsyncGenerator<Uint8Array> {
  const { environment } = request;
  const output: Output = {
    read: (options) => client.buildLog(environment, options),
    hasEnded: async () => !isBuildAwaited(await client.get('Environment', '', environment)),
  };
  return streamOf(output, request, seams);
}

async function* streamOf(
  output: Output,
  { follow, tailLines }: Wanted,
  seams: FollowSeams,
): AsyncGenerator<Uint8Array> {
  const { signal } = seams;
  let at: { offset: number; build?: string } | undefined =
    tailLines === undefined ? { offset: 0 } : undefined;
  for (let failures = 0; ; ) {
    try {
      // Asked before the stream is read: what ends after that question is read in the next round.
      const ended = !follow || (await output.hasEnded());
      const startsAt = (offset: number, build?: string) => {
        at = { offset, build };
      };
      for await (const chunk of output.read({ follow, ...(at ?? { tailLines }), startsAt, signal })) {
        at = { ...at, offset: (at?.offset ?? 0) + chunk.length };
        failures = 0;
        yield chunk;
      }
      if (ended) return;
    } catch (error) {
      if (signal.aborted) throw new Interrupted();
      if (!follow || !passes(error)) throw error;
    }
    await pause(failures++, seams);
  }
}

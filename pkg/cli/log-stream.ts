import { isTerminal, type Run } from '../api/index.ts';
import { backoffDelay, hasCode, sleep } from '../base/index.ts';
import type { Client } from '../client/index.ts';
import { Interrupted } from './errors.ts';
import type { FollowSeams } from './follow.ts';

export interface LogRequest {
  namespace: string;
  run: string;
  stream: 'stdout' | 'stderr';
  follow: boolean;
  tailLines?: number;
}

const retry = { baseMs: 200, capMs: 5_000 };

/**
 * The bytes of one stream of a run, each once. With `follow` until the run has ended and everything is read:
 * a broken connection, a restarted host or a run that has not started yet only make it wait, and it goes on from
 * the byte where it was.
 */
export async function* logStream(
  client: Client,
  request: LogRequest,
  seams: FollowSeams,
): AsyncGenerator<Uint8Array> {
  let position: number | undefined = request.tailLines === undefined ? 0 : undefined;
  for (let failures = 0; ; ) {
    try {
      // Asked before the stream is read: what ends after that question is read in the next round.
      const ended = !request.follow || (await hasEnded(client, request));
      const from = position === undefined ? { tailLines: request.tailLines } : { offset: position };
      const startsAt = (offset: number) => {
        position ??= offset;
      };
      const { stream, follow } = request;
      for await (const chunk of client.logs(request.namespace, request.run, {
        stream,
        follow,
        ...from,
        startsAt,
        signal: seams.signal,
      })) {
        position = (position ?? 0) + chunk.length;
        failures = 0;
        yield chunk;
      }
      if (ended) return;
    } catch (error) {
      if (seams.signal.aborted) throw new Interrupted();
      if (!request.follow || !hasCode(error, 'ServiceUnavailable', 'Timeout', 'TooManyRequests')) throw error;
    }
    await sleep(seams.clock, backoffDelay(retry, failures++, seams.rng), seams.signal).catch(() => {
      throw new Interrupted();
    });
  }
}

async function hasEnded(client: Client, request: LogRequest): Promise<boolean> {
  const run: Run = await client.get('Run', request.namespace, request.run);
  return isTerminal(run.status?.phase ?? 'Pending');
}

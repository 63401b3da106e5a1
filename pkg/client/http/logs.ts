import { RiverError } from '../../base/index.ts';
import type { LogOptions } from '../types.ts';
import type { Connection } from './connection.ts';
import { resourcePath } from './paths.ts';

/** Output of a Run as it comes. A broken connection raises `ServiceUnavailable`; the caller goes on at its offset. */
export async function* streamLogs(
  connection: Connection,
  namespace: string,
  run: string,
  options: LogOptions,
): AsyncGenerator<Uint8Array> {
  const { signal, startsAt, ...query } = options;
  if (signal?.aborted) return;
  const path = resourcePath('Run', namespace, run, 'log');
  const response = await connection.stream({ method: 'GET', path, query, signal });
  startsAt?.(Number(response.headers['x-river-log-offset'] ?? options.offset ?? 0));
  try {
    for await (const chunk of response) yield chunk as Uint8Array;
  } catch (error) {
    if (signal?.aborted) return;
    throw new RiverError(
      'ServiceUnavailable',
      `the output of ${run} was cut off: the host at ${connection.server} went away`,
      {},
      {
        cause: error,
      },
    );
  } finally {
    response.destroy();
  }
}

import { RiverError } from '../../base/index.ts';
import type { BuildLogOptions } from '../environments.ts';
import type { LogOptions } from '../types.ts';
import type { Connection } from './connection.ts';

/** Output as it comes. A broken connection raises `ServiceUnavailable`; the caller goes on at its offset. */
export async function* streamLogs(
  connection: Connection,
  path: string,
  what: string,
  options: Partial<LogOptions> & BuildLogOptions,
): AsyncGenerator<Uint8Array> {
  const { signal, startsAt, ...query } = options;
  if (signal?.aborted) return;
  const response = await connection.stream({ method: 'GET', path, query, signal });
  const { 'x-river-log-offset': offset = options.offset ?? 0, 'x-river-log-build': build } = response.headers;
  startsAt?.(Number(offset), build === undefined ? undefined : String(build));
  try {
    for await (const chunk of response) yield chunk as Uint8Array;
  } catch (error) {
    if (signal?.aborted) return;
    throw new RiverError(
      'ServiceUnavailable',
      `the output of ${what} was cut off: the host at ${connection.server} went away`,
      {},
      {
        cause: error,
      },
    );
  } finally {
    response.destroy();
  }
}

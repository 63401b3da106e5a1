import { defaultNamespace } from '../api/index.ts';
import { errorMessage, hasCode } from '../base/index.ts';
import { createHttpClient, readKubeconfig } from '../client/index.ts';
import { configFile } from './config-file.ts';
import type { Connection, GlobalFlags } from './context.ts';
import { ExitError } from './errors.ts';
import { exitCodes } from './exit-codes.ts';
import type { CliIo } from './io.ts';

/** Sends nothing yet. A config file that is missing or wrong ends the command like a host that does not answer. */
export async function connect(io: CliIo, flags: GlobalFlags, version: string): Promise<Connection> {
  const file = configFile(io, flags.config);
  try {
    const entry = await readKubeconfig(file, flags.context);
    const client = createHttpClient({ ...entry, clock: io.clock, userAgent: `river/${version}` });
    return {
      client,
      server: entry.server,
      namespace: entry.namespace ?? defaultNamespace,
      close: () => client.close(),
    };
  } catch (error) {
    if (!hasCode(error, 'NotFound', 'Forbidden', 'BadRequest')) throw error;
    throw new ExitError(exitCodes.unreachable, errorMessage(error));
  }
}

import { join } from 'node:path';
import { defaultNamespace } from '../api/index.ts';
import { errorMessage, hasCode } from '../base/index.ts';
import { createHttpClient, defaultConfigFile, readKubeconfig } from '../client/index.ts';
import type { Connection, GlobalFlags } from './context.ts';
import { ExitError } from './errors.ts';
import { exitCodes } from './exit-codes.ts';
import type { CliIo } from './io.ts';

/** `--config`, else RIVER_CONFIG, else `~/.river/config`. */
export function configFile(io: Pick<CliIo, 'env' | 'homeDir' | 'cwd'>, flag: string | undefined): string {
  const chosen = flag ?? (io.env.RIVER_CONFIG || undefined);
  return chosen ? join(chosen.startsWith('/') ? '' : io.cwd, chosen) : defaultConfigFile(io.homeDir);
}

/** Sends nothing yet. A config file that is missing or wrong ends the command like a host that does not answer. */
export async function connect(io: CliIo, flags: GlobalFlags, version: string): Promise<Connection> {
  const file = configFile(io, flags.config);
  try {
    const entry = await readKubeconfig(file, flags.context);
    const client = createHttpClient({ ...entry, clock: io.clock, userAgent: `river/${version}` });
    return { client, namespace: entry.namespace ?? defaultNamespace, close: () => client.close() };
  } catch (error) {
    if (!hasCode(error, 'NotFound', 'Forbidden', 'BadRequest')) throw error;
    throw new ExitError(exitCodes.unreachable, errorMessage(error));
  }
}

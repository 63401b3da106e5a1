import { resolve } from 'node:path';
import { defaultConfigFile } from '../client/index.ts';
import type { CliIo } from './io.ts';

/** `--config`, else RIVER_CONFIG, else `~/.river/config`. */
export function configFile(io: Pick<CliIo, 'env' | 'homeDir' | 'cwd'>, flag: string | undefined): string {
  const chosen = flag ?? (io.env.RIVER_CONFIG || undefined);
  return chosen ? resolve(io.cwd, chosen) : defaultConfigFile(io.homeDir);
}

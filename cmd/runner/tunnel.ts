import { join } from 'node:path';
import { logDirectory } from '../../pkg/api/index.ts';
import type { Clock, Logger, Rng } from '../../pkg/base/index.ts';
import type { RunnerSettings } from '../../pkg/config/index.ts';
import { loadOrCreateSshKey, logService, logServiceName, RunnerTunnel } from '../../pkg/gateway/index.ts';
import { FileLogReader } from '../../pkg/logs/index.ts';

export interface TunnelSeams {
  settings: RunnerSettings;
  clock: Clock;
  rng: Rng;
  logger: Logger;
}

/** Connects when the host has said where; serves what the host may ask of this machine. */
export function createTunnel({ settings, ...seams }: TunnelSeams): RunnerTunnel {
  const output = new FileLogReader([logDirectory(settings)], seams.clock);
  return new RunnerTunnel({
    ...seams,
    node: settings.name,
    key: loadOrCreateSshKey(join(settings.stateDir, 'node.key'), 'identifies this node to its host'),
    host: new URL(settings.host).hostname.replace(/^\[(.*)\]$/, '$1'),
    services: { [logServiceName]: logService(output) },
  });
}

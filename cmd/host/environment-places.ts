import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { EnvironmentPlaces, WorkingContainers } from '../../pkg/apiserver/index.ts';
import { type Clock, errorMessage, type Logger, type Rng } from '../../pkg/base/index.ts';
import {
  dockerBuilder,
  dockerContainers,
  type EnvironmentBuilder,
  type EnvironmentContainers,
  workingContainers,
} from '../../pkg/builder/index.ts';
import type { Reader } from '../../pkg/client/index.ts';
import type { HostSettings } from '../../pkg/config/index.ts';
import {
  environmentDirectory,
  indexFile,
  sharedMarkerFile,
  tarballFile,
  Uploads,
} from '../../pkg/environment/index.ts';
import { type DockerShells, dockerShells } from '../../pkg/shell/docker/index.ts';

/** What the API serves to nodes that share no directory with this host. */
export function environmentPlaces(
  settings: Pick<HostSettings, 'sharedDir' | 'stateDir'>,
  builder: Pick<EnvironmentBuilder, 'logFile'>,
): EnvironmentPlaces {
  const directory = environmentDirectory(settings);
  return {
    index: (name, digest) => indexFile(directory, name, digest),
    tarball: (name, digest) => tarballFile(directory, name, digest),
    log: (name) => builder.logFile(name),
  };
}

/** The mark by which nodes know the shared directory. Without it they read environments over the network. */
export function markSharedDirectory(sharedDir: string | undefined, clusterUid: string, logger: Logger): void {
  if (sharedDir === undefined) return;
  try {
    mkdirSync(sharedDir, { recursive: true });
    writeFileSync(sharedMarkerFile(sharedDir), `${clusterUid}\n`);
  } catch (error) {
    logger.error('the shared directory cannot be written', { sharedDir, reason: errorMessage(error) });
  }
}

export function createUploads({ stateDir }: Pick<HostSettings, 'stateDir'>, clock: Clock): Uploads {
  return new Uploads(join(stateDir, 'uploads'), clock);
}

/** `cluster`: whose images and tarballs are ours, where others have theirs beside them. */
export function createBuilder(
  settings: HostSettings,
  cluster: string,
  uploads: Uploads,
  seams: { clock: Clock; logger: Logger },
): EnvironmentBuilder {
  return dockerBuilder({
    ...seams,
    cluster,
    socketPath: settings.docker.socket,
    directory: environmentDirectory(settings),
    stateDir: settings.stateDir,
    uploads,
    cacheAgeMs: settings.docker.cacheAgeMs,
    minFreeBytes: settings.docker.minFreeBytes,
  });
}

/** `cluster`: whose containers on the engine are ours. */
export function createContainers(
  settings: HostSettings,
  cluster: string,
  seams: { clock: Clock; rng: Rng; logger: Logger },
): EnvironmentContainers {
  return dockerContainers({
    ...seams,
    socketPath: settings.docker.socket,
    directory: environmentDirectory(settings),
    host: cluster,
  });
}

/** For `river shell`. */
export function createShells(
  { docker, stateDir }: Pick<HostSettings, 'docker' | 'stateDir'>,
  containers: EnvironmentContainers,
  client: Pick<Reader, 'get'>,
  seams: { clock: Clock; logger: Logger },
): { workingContainers: WorkingContainers; shells: DockerShells } {
  const environment = (name: string) => client.get('Environment', '', name);
  return {
    workingContainers: workingContainers({ environment, containers }),
    shells: dockerShells({
      ...seams,
      socketPath: docker.socket,
      directory: join(stateDir, 'shells'),
    }),
  };
}

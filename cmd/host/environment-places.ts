import type { EnvironmentPlaces } from '../../pkg/apiserver/index.ts';
import type { HostSettings } from '../../pkg/config/index.ts';
import { environmentDirectory, indexFile, tarballFile } from '../../pkg/environment/index.ts';

/** What the API serves to nodes that share no directory with this host. */
export function environmentPlaces(settings: Pick<HostSettings, 'sharedDir' | 'stateDir'>): EnvironmentPlaces {
  const directory = environmentDirectory(settings);
  return {
    index: (name, digest) => indexFile(directory, name, digest),
    tarball: (name, digest) => tarballFile(directory, name, digest),
  };
}

import { type Environment, getCondition } from '../../api/index.ts';
import { RiverError } from '../../base/index.ts';
import type { EnvironmentContainers } from './types.ts';

export interface LookupParts {
  /** As it is now. Raises `NotFound`. */
  environment(name: string): Promise<Environment>;
  containers: Pick<EnvironmentContainers, 'find'>;
}

/** Where `river shell` goes. The container is asked for each time: it may be another one than a moment ago. */
export function workingContainers({ environment, containers }: LookupParts): {
  container(name: string): Promise<string>;
} {
  return {
    async container(name) {
      const obstacle = obstacleIn(name, await environment(name));
      if (obstacle !== undefined) throw conflict(name, obstacle);
      const found = await containers.find(name);
      if (!found?.running)
        throw new RiverError(
          'ServiceUnavailable',
          `the working container of environment ${name} is being started: try again`,
        );
      return found.id;
    },
  };
}

function obstacleIn(name: string, { metadata, spec, status }: Environment): string | undefined {
  if (metadata.deletionTimestamp) return `environment ${name} is being deleted`;
  if (!spec.interactive)
    return `environment ${name} has no working container: set interactive: true in its manifest and apply it`;
  if (spec.suspend)
    return `the working container of environment ${name} is suspended: set suspend: false in its manifest and apply it`;
  if (status?.digest === undefined)
    return `environment ${name} has no digest yet (${status?.phase ?? 'Pending'}): river logs -f env/${name} shows its build`;
  const ready = getCondition(status.conditions, 'ContainerReady');
  if (status.container?.phase !== 'Running' && ready?.status === 'False' && ready.message)
    return `environment ${name} has no working container: ${ready.message}`;
  return undefined;
}

function conflict(name: string, message: string): RiverError {
  return new RiverError('Conflict', message, { kind: 'environments', name });
}

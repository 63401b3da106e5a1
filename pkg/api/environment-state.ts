import { getCondition } from './conditions.ts';
import type { Environment } from './types.gen.ts';

/** Names from an Environment up its parents and back to itself; undefined when it is not built from itself. */
export function environmentCycle(
  name: string,
  parentOf: (name: string) => string | undefined,
): string[] | undefined {
  const path = [name];
  for (let next = parentOf(name); next !== undefined && path.length < 1000; next = parentOf(next)) {
    path.push(next);
    if (next === name) return path;
    if (path.indexOf(next) < path.length - 1) return undefined;
  }
  return undefined;
}

export interface EnvironmentObstacle {
  message: string;
  /** The same while only the progress of the build has changed. */
  signature: string;
}

/** Why a Run that asks for this Environment has to wait; undefined when there is a digest to run on. */
export function environmentObstacle(
  name: string,
  environment: Environment | undefined,
): EnvironmentObstacle | undefined {
  const says = (why: string, signature = why) => ({
    message: `environment ${name} ${why}`,
    signature: `environment ${name} ${signature}`,
  });
  if (!environment) return says('does not exist yet: apply it');
  if (environment.metadata.deletionTimestamp) return says('is being deleted');
  const { phase = 'Pending', digest, progress, conditions } = environment.status ?? {};
  if (digest !== undefined) return undefined;
  if (phase === 'Failed') {
    const ready = getCondition(conditions, 'Ready');
    return says(`failed: ${ready?.message ?? 'it could not be built'}`);
  }
  if (phase === 'Pending') return says('waits to be built');
  const doing = phase === 'Building' ? 'is being built' : 'is being published';
  return says(progress === undefined ? doing : `${doing}: ${progress}`, doing);
}

/** A build goes on, or is about to. */
export function isBuildAwaited({ metadata, status }: Environment): boolean {
  if (status?.observedGeneration !== metadata.generation) return true;
  return !['Ready', 'Failed'].includes(status?.phase ?? 'Pending');
}

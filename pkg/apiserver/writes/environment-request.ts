import { type Environment, type EnvironmentStatus, environmentHash } from '../../api/index.ts';
import { RiverError } from '../../base/index.ts';
import { authorize } from '../authorize.ts';
import { conflict } from './refusals.ts';
import type { WriteSession, Written } from './session.ts';

type Request = NonNullable<EnvironmentStatus['request']>;

export interface AskedOfEnvironment {
  action: Request['action'];
  /** Of a commit. */
  message?: string;
}

const messageLimit = 1000;

/** Written down for the environment controller, who does it. Raises `Conflict` for what cannot be done at the moment. */
export function requestOfEnvironment(
  session: WriteSession,
  name: string,
  asked: AskedOfEnvironment,
): Written {
  authorize(session.identity, 'update', 'Environment');
  const { action, message } = asked;
  if (message !== undefined && message.length > messageLimit)
    throw new RiverError(
      'Invalid',
      `the message must have at most ${messageLimit} characters; found ${message.length}`,
    );
  const record = session.load('Environment', '', name);
  const environment = record.object as Environment;
  const obstacle = obstacleTo(environment, action);
  if (obstacle !== undefined) throw conflict('Environment', name, obstacle);
  const request: Request = {
    action,
    id: session.options.rng.uuid(),
    by: session.identity.name,
    at: session.now,
    manifest: environmentHash(environment.spec),
    ...(message === undefined ? {} : { message }),
  };
  return session.replace(record, { ...record.object, status: { ...environment.status, request } });
}

function obstacleTo(
  { metadata, spec, status = {} }: Environment,
  action: Request['action'],
): string | undefined {
  const { request, container, phase = 'Pending', observedGeneration } = status;
  const isDeleted = metadata.deletionTimestamp !== undefined;
  if (request && !(isDeleted && action === 'discard'))
    return `has a ${request.action} under way that ${request.by} asked for: wait until it is done`;
  if (container?.id === undefined)
    return spec.interactive
      ? 'has no working container yet: wait for its condition ContainerReady'
      : 'has no working container: set interactive: true in its manifest and apply it';
  if (action === 'discard') return undefined;
  if (isDeleted) return 'is being deleted';
  const isBuilding =
    phase === 'Building' || phase === 'Publishing' || observedGeneration !== metadata.generation;
  return isBuilding ? 'is being built: commit when that has ended (river logs -f shows it)' : undefined;
}

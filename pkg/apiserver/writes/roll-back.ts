import { type Environment, environmentHash, setCondition } from '../../api/index.ts';
import { RiverError } from '../../base/index.ts';
import { imageTag } from '../../environment/index.ts';
import { authorize } from '../authorize.ts';
import { conflict } from './refusals.ts';
import type { WriteSession, Written } from './session.ts';

/** A digest of before, and where its tarball is. */
export interface KeptTarball {
  digest: string;
  path: string;
}

/** The digest is in use from now on, until the manifest changes. Raises `NotFound` for one that is not kept. */
export function rollBack(session: WriteSession, name: string, { digest, path }: KeptTarball): Written {
  authorize(session.identity, 'update', 'Environment');
  const record = session.load('Environment', '', name);
  const { metadata, spec, status } = record.object as Environment;
  if (metadata.deletionTimestamp) throw conflict('Environment', name, 'is being deleted');
  const entry = status?.history?.find((each) => each.digest === digest);
  if (!entry)
    throw new RiverError(
      'NotFound',
      `environment ${name} has no digest ${digest} any more; river describe env/${name} shows those it has`,
      { kind: 'environments', name },
    );
  const image = imageTag(name, digest);
  const ready = {
    type: 'Ready',
    status: 'True',
    reason: 'RolledBack',
    message: `${image} is in use until the manifest changes`,
  } as const;
  const { progress: _progress, ...before } = status ?? {};
  const { size, builtAt } = entry;
  const after: Environment['status'] = {
    ...before,
    phase: 'Ready',
    image,
    digest,
    tarball: { path, size, builtAt },
    chosen: environmentHash(spec),
    conditions: setCondition(status?.conditions, ready, session.now),
  };
  return session.replace(record, { ...record.object, status: after });
}

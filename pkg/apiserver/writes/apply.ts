import { type ApiObject, type Kind, refuseInvalid, resources, validateObject } from '../../api/index.ts';
import { RiverError } from '../../base/index.ts';
import type { ApplyOptions } from '../../client/index.ts';
import { authorize } from '../authorize.ts';
import { applyOwned } from '../managed-fields/index.ts';
import { insertNew, withoutSystemFields } from './create.ts';
import { checkPreconditions } from './preconditions.ts';
import { conflict, notFound } from './refusals.ts';
import type { WriteSession, Written } from './session.ts';
import { replaceChecked } from './update.ts';

/**
 * Server-side apply. Makes the object when there is none. The same configuration applied again is no write at all.
 * Raises `Conflict` with one cause for each field that somebody else owns, unless `force`.
 */
export function applyObject(
  session: WriteSession,
  kind: Kind,
  config: ApiObject,
  options: ApplyOptions,
): Written {
  authorize(session.identity, 'update', kind);
  checkConfig(kind, config, options);
  const { namespace = '', name = '', uid } = config.metadata;
  const ownership = { manager: options.fieldManager, now: session.now, force: options.force };
  const record = session.transaction.get(kind, namespace, name);
  if (!record) {
    authorize(session.identity, 'create', kind);
    if (uid) throw notFound(kind, name);
    return insertNew(session, kind, applyOwned(undefined, withoutSystemFields(config), ownership));
  }
  checkPreconditions(session, record, config.metadata);
  if (record.object.metadata.deletionTimestamp) {
    throw conflict(kind, name, 'is being deleted; apply again when it is gone (river wait --for=delete)');
  }
  const next = applyOwned(record.object, withoutSystemFields(config), ownership);
  return replaceChecked(session, record, next, true);
}

function checkConfig(kind: Kind, config: ApiObject, options: ApplyOptions): void {
  if (!options.fieldManager) {
    throw new RiverError('BadRequest', 'fieldManager is required for apply: it names who owns the fields');
  }
  if (!resources[kind].userWritable) {
    throw new RiverError(
      'MethodNotAllowed',
      `${resources[kind].plural} cannot be applied: the host makes them`,
    );
  }
  if (config.metadata.managedFields?.length) {
    throw new RiverError('BadRequest', 'metadata.managedFields must be left out of what is applied');
  }
  // Merging takes from metadata what can have an owner: what else stands there would be lost without a word.
  const causes = validateObject(kind, config).filter(({ field }) => field?.startsWith('metadata'));
  refuseInvalid(kind, config.metadata.name ?? '', causes);
}

import {
  type ApiObject,
  defaultObject,
  type Event,
  type Kind,
  type Node,
  refuseInvalid,
  resources,
  validateObject,
} from '../../api/index.ts';
import { RiverError } from '../../base/index.ts';
import type { StoredRecord } from '../../store/index.ts';
import { authorize, authorizeOwnNode } from '../authorize.ts';
import { deepEqual, updateOwned } from '../managed-fields/index.ts';
import { withoutSystemFields } from './create.ts';
import { checkEnvironmentCycle } from './environment-rules.ts';
import { checkNodeFence } from './node-rules.ts';
import { checkPreconditions } from './preconditions.ts';
import { conflict } from './refusals.ts';
import { checkRunSpec } from './run-rules.ts';
import type { WriteSession, Written } from './session.ts';

/** PUT. Replaces all but status; an absent list of finalizers leaves those that are there. */
export function updateObject(session: WriteSession, kind: Kind, submitted: ApiObject): Written {
  authorize(session.identity, 'update', kind);
  const { namespace = '', name = '' } = submitted.metadata;
  const record = session.load(kind, namespace, name);
  checkPreconditions(session, record, submitted.metadata);
  const finalizers = submitted.metadata.finalizers ?? record.object.metadata.finalizers;
  return replaceChecked(session, record, { ...submitted, metadata: { ...submitted.metadata, finalizers } });
}

/** PATCH that makes the whole next state from the present one. */
export function patchObject(
  session: WriteSession,
  kind: Kind,
  namespace: string,
  name: string,
  change: (object: ApiObject) => ApiObject,
): Written {
  authorize(session.identity, 'update', kind);
  const record = session.load(kind, namespace, name);
  const next = change(record.object);
  if (
    typeof next !== 'object' ||
    next === null ||
    typeof next.metadata !== 'object' ||
    next.metadata === null
  ) {
    throw new RiverError('Invalid', 'the patch leaves no object with metadata');
  }
  checkPreconditions(session, record, next.metadata);
  if (next.metadata.name !== name || (next.metadata.namespace ?? '') !== namespace) {
    throw new RiverError(
      'BadRequest',
      'metadata.name and metadata.namespace cannot change: create another object',
    );
  }
  return replaceChecked(session, record, next);
}

/** All rules of a write of metadata and spec, then the write. Field owners follow unless `owned` says it was done. */
export function replaceChecked(
  session: WriteSession,
  record: StoredRecord,
  next: ApiObject,
  owned = false,
): Written {
  const { kind, object: old } = record;
  checkOwnership(session, kind, old, next);
  const stripped = withoutSystemFields(next);
  const status = old.status === undefined ? {} : { status: old.status };
  const complete = { ...defaultObject(stripped, session.options.defaults()), ...status };
  refuseInvalid(kind, record.name, validateObject(kind, complete));
  checkNewFinalizers(kind, old, complete);
  if (kind === 'Node') checkNodeFence(session, old as Node, complete as Node);
  if (kind === 'Run') checkRunSpec(session, old, complete);
  if (kind === 'Environment') checkEnvironmentCycle(session, complete);
  const managedFields = owned ? next.metadata.managedFields : managedFieldsAfter(session, record, stripped);
  return session.replace(record, { ...complete, metadata: { ...complete.metadata, managedFields } });
}

function managedFieldsAfter(session: WriteSession, record: StoredRecord, next: ApiObject) {
  if (!resources[record.kind].userWritable) return undefined;
  return updateOwned(record.object, next, { manager: session.manager, now: session.now }).metadata
    .managedFields;
}

function checkOwnership(session: WriteSession, kind: Kind, old: ApiObject, next: ApiObject): void {
  if (session.identity.role !== 'node') return;
  if (kind === 'Node') {
    authorizeOwnNode(session.identity, old.metadata.name);
    if (deepEqual(old.spec ?? {}, next.spec ?? {})) return;
    throw new RiverError(
      'Forbidden',
      `node ${session.identity.name} may not change its own spec: that is for people`,
    );
  }
  if (kind !== 'Event') return;
  for (const event of [old, next] as unknown as Event[])
    authorizeOwnNode(session.identity, event.source?.host);
}

/** Nothing would ever take off what is put on an object that is going. */
function checkNewFinalizers(kind: Kind, old: ApiObject, next: ApiObject): void {
  if (!old.metadata.deletionTimestamp) return;
  const added = next.metadata.finalizers?.filter((name) => !old.metadata.finalizers?.includes(name)) ?? [];
  if (added.length > 0)
    throw conflict(kind, old.metadata.name ?? '', 'is being deleted: no finalizer can be added');
}

import type { ApiObject, Kind } from '../../api/index.ts';
import type { DeleteOptions } from '../../client/index.ts';
import { authorize } from '../authorize.ts';
import { checkPreconditions } from './preconditions.ts';
import type { WriteSession, Written } from './session.ts';

/** Removes at once what has no finalizers; else marks it, and it goes with its last finalizer. Idempotent until then. */
export function deleteObject(
  session: WriteSession,
  kind: Kind,
  namespace: string,
  name: string,
  options: DeleteOptions,
): Written {
  authorize(session.identity, 'delete', kind);
  const record = session.load(kind, namespace, name);
  checkPreconditions(session, record, options);
  const { object } = record;
  if (!object.metadata.finalizers?.length) return session.remove(record);
  if (object.metadata.deletionTimestamp) return { object, outcome: 'unchanged' };
  const marked: ApiObject = {
    ...object,
    metadata: { ...object.metadata, deletionTimestamp: session.now },
  };
  return session.replace(record, marked);
}

import type { StoredRecord } from '../../store/index.ts';
import { conflict } from './refusals.ts';
import type { WriteSession } from './session.ts';

/** uid and resourceVersion, where the writer names them, must be those of the present state. Raises `Conflict`. */
export function checkPreconditions(
  session: WriteSession,
  record: StoredRecord,
  wanted: { uid?: string; resourceVersion?: string },
): void {
  const { kind, name, version, object } = record;
  if (wanted.uid && wanted.uid !== object.metadata.uid) {
    session.metrics.refused('conflict');
    throw conflict(kind, name, `is another object now (uid ${object.metadata.uid}, not ${wanted.uid})`);
  }
  if (wanted.resourceVersion && wanted.resourceVersion !== String(version)) {
    session.metrics.refused('conflict');
    throw conflict(
      kind,
      name,
      'the object has been modified; read it again and apply your changes to the latest version',
    );
  }
}

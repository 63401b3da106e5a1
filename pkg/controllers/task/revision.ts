import { executionHash, hashVersion, type Task, type TaskStatus } from '../../api/index.ts';

/** The part of status that names of Runs are made of. */
export type Revision = Required<Pick<TaskStatus, 'revision' | 'executionHash' | 'hashVersion'>> &
  Pick<TaskStatus, 'rerun' | 'completed' | 'ended'>;

/**
 * The revision that the Task's spec stands for: the stored one, or one more when other Runs are wanted. A hash that
 * an older river made by other rules says nothing: it is replaced, and nothing runs again because of it.
 */
export function revisionOf(task: Task): Revision {
  const { metadata, spec, status } = task;
  const { revision, observedGeneration, completed, ended } = status ?? {};
  const known = revision !== undefined && status?.executionHash !== undefined;
  if (known && observedGeneration === metadata.generation && status.hashVersion === hashVersion) {
    return { ...revisionFields(status.executionHash as string, status.rerun), revision, completed, ended };
  }
  const { hash } = executionHash(spec);
  if (!known) return { ...revisionFields(hash, spec.rerun), revision: 1 };
  const sameRules = status.hashVersion === hashVersion;
  // A manifest that no longer names rerun asks for nothing; what was asked for last stays known.
  const asked = spec.rerun ?? status.rerun;
  const changed = (sameRules && status.executionHash !== hash) || status.rerun !== asked;
  const next = revisionFields(hash, asked);
  return changed ? { ...next, revision: revision + 1 } : { ...next, revision, completed, ended };
}

function revisionFields(
  hash: string,
  rerun: string | undefined,
): Pick<Revision, 'executionHash' | 'hashVersion' | 'rerun'> {
  return { executionHash: hash, hashVersion, rerun };
}

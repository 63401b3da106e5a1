import { RiverError } from '../../base/index.ts';
import type { Execution } from '../index.ts';
import type { StartError } from './command.ts';
import type { Claim, Records, RunRecord } from './records.ts';

/** What the disk says of a run, before the kernel or a manager is asked. */
export interface Known {
  /** Who it is, and when it was claimed. */
  base: Pick<Execution, 'runUid' | 'namespace' | 'runName' | 'startedAt'>;
  claim: Claim | undefined;
  /** It is known to have ended, or ran in another boot. */
  over?: Execution;
}

export function knownOf(records: Records, record: RunRecord, bootId: string): Known {
  const { runUid, namespace, runName } = record;
  const claim = records.claim(runUid);
  const base = { runUid, namespace, runName, ...(claim ? { startedAt: Math.floor(claim.at) } : {}) };
  const ending = records.ending(runUid);
  if (ending) return { base, claim, over: { ...base, state: 'exited', ...ending } };
  if (record.bootId === bootId) return { base, claim };
  return { base, claim, over: { ...base, state: 'exited', unknownEnd: 'NodeRestarted' } };
}

/** Of what is not there any more: it may have ended between two looks, else nobody has recorded how. */
export function goneOf(records: Records, { base }: Known): Execution {
  const late = records.ending(base.runUid);
  return late
    ? { ...base, state: 'exited', ...late }
    : { ...base, state: 'exited', unknownEnd: 'RecordLost' };
}

/** Why a run that was stopped before its start is over. */
export const stoppedBefore: StartError = {
  reason: 'Stopped',
  message: 'It was stopped before it was started.',
};

export function removedMeanwhile(runUid: string): RiverError {
  return new RiverError('NotFound', `The records of run ${runUid} were removed while it was started.`);
}

export function hasNotEnded(runUid: string): RiverError {
  return new RiverError('Conflict', `Run ${runUid} has not ended: stop it before it is removed.`);
}

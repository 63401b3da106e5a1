import type { Run, Runtime } from '../api/index.ts';
import type { Execution } from '../executor/index.ts';
import type { Intent } from './intents.ts';
import type { RunMemory } from './run-memory.ts';
import type { RunReference } from './status-manager.ts';

/** What is known of one Run at the begin of a round. */
export interface Observation {
  uid: string;
  run?: Run;
  intent?: Intent;
  execution?: Execution;
  memory: RunMemory;
}

export function runtimeOf(
  run: Run | undefined,
  intent: Intent | undefined,
  memory: RunMemory,
): Runtime | undefined {
  return intent?.runtime ?? run?.spec.runtime ?? memory.runtime;
}

export function referenceOf({ uid, run, intent, execution }: Observation): RunReference {
  return {
    uid,
    namespace: run?.metadata.namespace ?? intent?.namespace ?? execution?.namespace ?? '',
    name: run?.metadata.name ?? intent?.name ?? execution?.runName ?? '',
  };
}

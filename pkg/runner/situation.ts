import type { Run, RunStatus } from '../api/index.ts';
import type { Execution } from '../executor/index.ts';
import type { Intent } from './intents.ts';

/** What is under way for a Run and takes its time. */
export type Activity = 'Preparing' | 'Starting' | 'Pausing' | 'Resuming' | 'Stopping';

/** Why a Run cannot run, for good: it ends as Failed. */
export interface Failure {
  reason: string;
  message: string;
}

/** Everything that `nextSteps` looks at. */
export interface Situation {
  desired: {
    /** As the host last showed it; absent: not among the Runs bound to this node. */
    run?: Run;
    /** Whether the host's list has been read in whole, so that being absent means something. */
    synced: boolean;
    /** A direct question to the host has just confirmed that no such Run is bound here. */
    confirmedGone: boolean;
  };
  observed: {
    intent?: Intent;
    execution?: Execution;
    /** false: the runtime does not answer, so `execution` says nothing. */
    executionKnown: boolean;
  };
  /** Memory of this runner since its start; never what a decision to start rests on. */
  memory: {
    activity?: Activity;
    prepared: boolean;
    adopted: boolean;
    /** A start has been answered by the machine: it has run, or failed to. */
    started: boolean;
    /** A stop has been carried out to its end. */
    stopped: boolean;
    quarantined: boolean;
    failure?: Failure;
    /** Why it could not be moved off the CPUs of others when that was tried last. */
    astray?: string;
    /** The end of what was never begun, since it was told for the first time: the host may have it already. */
    told?: RunStatus;
  };
  node: {
    nowMs: number;
    /** Of the clock that does not jump. */
    monotonicMs: number;
    bootId: string;
    /** Of the host. */
    epoch: string;
    /** Whether this Run's runtime is allowed here. */
    runtimeEnabled: boolean;
    /** For how long the runtime has not worked; 0 = it works. */
    notReadyMs: number;
    stopGraceMs: number;
  };
}

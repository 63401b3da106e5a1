import { dirname } from 'node:path';
import { isTerminal, logPaths, parseDuration, type Run } from '../api/index.ts';
import { hasCode, RiverError } from '../base/index.ts';
import type { Client } from '../client/index.ts';
import type { ExecutionSpec, Executor } from '../executor/index.ts';
import { Activities, type ActivityParts } from './activities.ts';
import type { Confinement } from './confinement.ts';
import { withDeadline } from './deadline.ts';
import { type EnvironmentReference, type Environments, loadReport, throttled } from './environments/index.ts';
import { executionSpec } from './exec-spec.ts';
import { reasonOf } from './failures.ts';
import type { Intents } from './intents.ts';
import { Marks } from './marks.ts';
import { type Step, tornDownStatus } from './next-steps.ts';
import { type Observation, referenceOf, runtimeOf } from './observation.ts';
import { knownPauses } from './pauses.ts';
import type { RunMemories } from './run-memory.ts';
import type { Runtimes } from './runtimes.ts';
import type { FolderOperations, RunnerSettings } from './seams.ts';
import type { RunReport } from './status-manager.ts';
import { activityOf } from './troubles.ts';

/** again: observe anew at once; abort: and leave out the rest of this round. */
export type StepResult = 'done' | 'again' | 'abort';

const getDeadlineMs = 15_000;

export interface StepActionParts extends ActivityParts {
  settings: RunnerSettings;
  clusterUid: string;
  epoch: () => string;
  bootId: string;
  client: Pick<Client, 'get' | 'version'>;
  runtimes: Runtimes;
  confinement: Pick<Confinement, 'starting'>;
  intents: Intents;
  memories: RunMemories;
  folders: FolderOperations;
  /** Left out: none can be brought here. */
  environments?: Pick<Environments, 'ensure' | 'forget'>;
  /** false: the runner lets go of everything. */
  acting: () => boolean;
  onQuarantine: () => void;
}

/** How each step is carried out. Long ones go on in the background: their end makes the key dirty. */
export class StepActions {
  readonly #parts: StepActionParts;
  readonly #marks: Marks;
  readonly #activities: Activities;

  constructor(parts: StepActionParts) {
    this.#parts = parts;
    this.#marks = new Marks(parts);
    this.#activities = new Activities(parts);
  }

  async perform(step: Step, seen: Observation): Promise<StepResult> {
    try {
      return await this.#byKind[step.kind](step as never, seen);
    } catch (error) {
      this.#activities.tellTrouble(seen, activityOf(step), error);
      throw error;
    }
  }

  readonly #byKind: {
    [K in Step['kind']]: (step: Extract<Step, { kind: K }>, seen: Observation) => Promise<StepResult>;
  } = {
    RecordIntent: (step, seen) => this.#recordIntent(seen, step.starting),
    MarkStarting: (_step, { uid }) => this.#marks.starting(uid),
    Prepare: (_step, seen) => this.#prepare(seen),
    CancelPrepare: async (_step, { memory }) => {
      memory.abort?.abort();
      return 'done';
    },
    Start: (_step, seen) => this.#start(seen),
    Adopt: async (_step, { uid, memory, ...seen }) => {
      const spec = this.#parts.intents.get(uid)?.spec;
      if (spec) {
        this.#parts.folders.ensureFolder(dirname(spec.outPath));
        await this.#executor({ uid, memory, ...seen }).adopt(spec);
      }
      memory.adopted = true;
      return 'done';
    },
    MarkRunning: ({ ranMs }, { uid }) => this.#marks.running(uid, ranMs),
    MarkStop: ({ reason }, { uid }) => this.#marks.stop(uid, reason),
    Stop: (step, seen) => this.#stop(seen, step.graceMs),
    MarkPaused: (_step, { uid }) => this.#marks.paused(uid),
    Pause: (_step, seen) => this.#switch(seen, true),
    MarkResumed: (_step, { uid }) => this.#marks.resumed(uid),
    Resume: (_step, seen) => this.#switch(seen, false),
    Conclude: async ({ outcome }, { uid }) => {
      await this.#parts.intents.update(uid, { outcome });
      return 'again';
    },
    Report: async ({ status }, seen) => {
      if (!seen.intent && isTerminal(status.phase)) seen.memory.told = status;
      return this.#report(seen, status);
    },
    ReportObserved: async ({ status }, seen) => this.#report(seen, status),
    Acknowledge: async ({ outcome }, { uid }) => {
      const acknowledgedEpoch = this.#parts.epoch();
      await this.#parts.intents.update(uid, { outcome, acknowledgedEpoch, spec: undefined });
      return 'done';
    },
    Remove: async (_step, seen) => {
      await this.#executor(seen).remove(seen.uid);
      const kept = seen.run !== undefined && seen.run.metadata.deletionTimestamp === undefined;
      return kept ? 'done' : 'again';
    },
    RemoveLogs: async (_step, seen) => this.#removeLogs(seen),
    ConfirmTornDown: async (_step, seen) => {
      seen.memory.tornDownAt ??= this.#parts.clock.now();
      return this.#report(seen, tornDownStatus(seen.memory.tornDownAt));
    },
    ConfirmGone: (_step, seen) => this.#confirmGone(seen),
    Forget: async (_step, { uid }) => {
      const { intents, statuses, memories } = this.#parts;
      await intents.forget(uid);
      statuses.forget(uid);
      memories.release(uid);
      return 'done';
    },
    Quarantine: async (_step, { memory }) => {
      memory.quarantined = true;
      this.#parts.onQuarantine();
      return 'done';
    },
    Refuse: async ({ reason, message }, seen) => {
      const avoid = [...new Set([...(seen.run?.status?.avoid ?? []), this.#parts.settings.name])];
      return this.#report(seen, { phase: 'Pending', reason, message, avoid });
    },
    WakeAfter: async () => 'done',
  };

  async #recordIntent({ uid, run, memory, execution }: Observation, starting: boolean): Promise<StepResult> {
    const { settings, clusterUid, intents, epoch, bootId } = this.#parts;
    if (!run) return 'abort';
    try {
      const spec = executionSpec(run, settings, clusterUid);
      await intents.put({
        uid,
        namespace: spec.namespace,
        name: spec.runName,
        runtime: spec.runtime,
        spec,
        outPath: spec.outPath,
        errPath: spec.errPath,
        epoch: epoch(),
        ...environmentOf(run),
        ...(run.spec.timeout === undefined ? {} : { timeoutMs: parseDuration(run.spec.timeout) }),
        ...knownPauses(run),
        ...(starting ? { startBootId: bootId } : {}),
        ...(starting && !execution ? { startingAt: this.#marks.now() } : {}),
      });
      return 'again';
    } catch (error) {
      if (!hasCode(error, 'Invalid')) throw error;
      memory.failure = { reason: 'InvalidRun', message: error.message };
      return 'abort';
    }
  }

  async #prepare(seen: Observation): Promise<StepResult> {
    const { runtimes } = this.#parts;
    const spec = this.#specOf(seen);
    const executor = this.#executor(seen);
    const abort = new AbortController();
    seen.memory.abort = abort;
    const environment = this.#parts.intents.get(seen.uid)?.environment;
    this.#activities.begin(seen, 'Preparing', 'PrepareFailed', async () => {
      // All who wait for one load wait together, and hold nobody up who waits for something else.
      if (environment) seen.memory.image = await this.#bring(seen, environment, abort.signal);
      else
        await runtimes.prepare(spec.runtime, async () => {
          if (!abort.signal.aborted && this.#parts.acting()) await executor.prepare(spec, abort.signal);
        });
      if (!abort.signal.aborted) seen.memory.prepared = true;
    });
    return 'done';
  }

  #bring(seen: Observation, environment: EnvironmentReference, signal: AbortSignal): Promise<string> {
    const { environments, clock } = this.#parts;
    if (!environments)
      throw new RiverError(
        'Invalid',
        'this node has no Docker Engine that an environment could be loaded into',
      );
    const onProgress = throttled(clock, (progress) => {
      seen.memory.loading = true;
      const run = this.#parts.cache.get(seen.uid);
      const phase = run?.status?.phase;
      if (phase === 'Scheduled' || phase === 'Preparing')
        this.#report({ ...seen, run }, loadReport(environment.name, progress));
    });
    return environments.ensure(environment, { signal, onProgress });
  }

  /** An image that was found there, and was removed before the start. */
  #forgetGone({ uid }: Observation, error: unknown): never {
    const environment = this.#parts.intents.get(uid)?.environment;
    if (environment && reasonOf(error) === 'ImageGone') this.#parts.environments?.forget(environment);
    throw error;
  }

  async #start(seen: Observation): Promise<StepResult> {
    const { runtimes, folders, confinement } = this.#parts;
    const { image } = seen.memory;
    const spec = { ...this.#specOf(seen), ...(image === undefined ? {} : { image }) };
    const executor = this.#executor(seen);
    this.#activities.begin(seen, 'Starting', 'StartFailed', async () => {
      folders.ensureFolder(dirname(spec.outPath));
      const execution = await runtimes
        .start(spec.runtime, () =>
          confinement.starting(seen.uid, async (sharedCpus) =>
            this.#parts.acting() ? executor.start({ ...spec, sharedCpus }) : undefined,
          ),
        )
        .catch((error: unknown) => this.#forgetGone(seen, error));
      if (execution?.state === 'created')
        throw new RiverError('ServiceUnavailable', 'the program was made and not started');
      // The machine may have no record of what could not even be made.
      seen.memory.failure = execution?.startError;
      seen.memory.started = execution !== undefined;
      // Whoever starts it watches it too.
      seen.memory.adopted = execution !== undefined;
    });
    return 'done';
  }

  async #stop(seen: Observation, graceMs: number): Promise<StepResult> {
    const { memory, uid } = seen;
    const executor = this.#executor(seen);
    if (memory.stopped) {
      memory.stopped = false;
      throw new RiverError('ServiceUnavailable', 'the program still runs after it was stopped');
    }
    this.#activities.begin(seen, 'Stopping', undefined, async () => {
      await executor.stop(uid, graceMs);
      memory.stopped = true;
    });
    return 'done';
  }

  /** Pauses, or ends the pause. */
  async #switch(seen: Observation, paused: boolean): Promise<StepResult> {
    const { memory, uid } = seen;
    const executor = this.#executor(seen);
    if (memory.paused === paused) {
      memory.paused = undefined;
      const message = `the program does not ${paused ? 'halt' : 'go on'}`;
      throw new RiverError('ServiceUnavailable', message);
    }
    this.#activities.begin(seen, paused ? 'Pausing' : 'Resuming', undefined, async () => {
      if (paused) await executor.pause(uid);
      else await executor.resume(uid);
      memory.paused = paused;
    });
    return 'done';
  }

  #report(seen: Observation, report: RunReport): StepResult {
    this.#activities.report(seen, report);
    return 'done';
  }

  #removeLogs(seen: Observation): StepResult {
    const { cache, folders, settings } = this.#parts;
    const { uid, namespace, name } = referenceOf(seen);
    if (cache.hasNamesake(namespace, name, uid)) return 'done';
    const paths = logPaths(settings.logDir, namespace, name);
    for (const path of new Set([seen.intent?.outPath ?? paths.out, seen.intent?.errPath ?? paths.err]))
      folders.removeFile(path);
    return 'done';
  }

  async #confirmGone(seen: Observation): Promise<StepResult> {
    const { client, clock, settings } = this.#parts;
    const { uid, namespace, name } = referenceOf(seen);
    const found = await withDeadline(clock, getDeadlineMs, client.get('Run', namespace, name)).catch(
      (error: unknown): Run | undefined => {
        // A node may not read Runs that are bound elsewhere.
        if (hasCode(error, 'NotFound', 'Forbidden')) return undefined;
        throw error;
      },
    );
    if (found?.metadata.uid === uid && found.spec.placement?.node === settings.name)
      throw new RiverError('ServiceUnavailable', 'the host still has a run that its watch does not show');
    // Asked after the Run: a host restored meanwhile must not be taken for the one that we know.
    const { epoch } = await withDeadline(clock, getDeadlineMs, client.version());
    if (epoch !== undefined && epoch !== this.#parts.epoch())
      throw new RiverError('ServiceUnavailable', 'the host is in another epoch than the last heartbeat said');
    seen.memory.confirmedGone = true;
    return 'again';
  }

  /** As recorded: what an earlier runner was about to start is what is started. */
  #specOf({ uid }: Observation): ExecutionSpec {
    const spec = this.#parts.intents.get(uid)?.spec;
    if (!spec) throw new RiverError('InternalError', 'a run without a recorded intent was to be started');
    return spec;
  }

  #executor({ run, intent, memory }: Observation): Executor {
    const executor = this.#parts.runtimes.executor(runtimeOf(run, intent, memory));
    if (executor) return executor;
    throw new RiverError('ServiceUnavailable', "the run's runtime is not allowed here any more");
  }
}

function environmentOf({ spec }: Run): { environment?: EnvironmentReference } {
  const environment = spec.placement?.environment;
  return environment ? { environment: { name: environment.name, digest: environment.digest } } : {};
}

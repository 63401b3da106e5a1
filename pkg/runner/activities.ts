import type { Clock, Timer } from '../base/index.ts';
import { type Count, failedEvents } from './counters.ts';
import { failureOf, isTransient, reasonOf } from './failures.ts';
import { type Observation, referenceOf } from './observation.ts';
import type { RunCache } from './run-cache.ts';
import type { Activity } from './situation.ts';
import type { RunReport, StatusManager } from './status-manager.ts';
import { troubleReport } from './troubles.ts';

/** A preparation or a start that takes longer is worth a line in the host's store. */
const slowMs = 300;
/** A registry that cannot be asked for so long is no passing trouble of the network. */
const pullPatienceMs = 600_000;

export interface ActivityParts {
  cache: RunCache;
  statuses: StatusManager;
  clock: Clock;
  count: Count;
  /** What was begun in the background has ended: look again, or try again later. */
  onActivityEnd: (uid: string, error?: unknown) => void;
}

/** What goes on in the background for Runs, at most one thing for each: that it is slow is told, and how it fails. */
export class Activities {
  readonly #parts: ActivityParts;

  constructor(parts: ActivityParts) {
    this.#parts = parts;
  }

  /** `failsWith`: reason of the Run's failure when an error says that trying again is of no use. */
  begin(
    seen: Observation,
    activity: Activity,
    failsWith: string | undefined,
    work: () => Promise<void>,
  ): void {
    const { uid, memory } = seen;
    const slow = this.#reportSlow(seen, activity);
    memory.activity = activity;
    const end = (error?: unknown) => {
      slow?.cancel();
      memory.activity = undefined;
      const cancelled = memory.abort?.signal.aborted === true;
      memory.abort = undefined;
      const failed = !cancelled && (error !== undefined || memory.failure !== undefined);
      if (failed) this.#parts.count(failedEvents[activity]);
      if (error === undefined || cancelled) return this.#parts.onActivityEnd(uid);
      if (failsWith === undefined || (isTransient(error) && !this.#isTooLong(seen, error))) {
        // What the start needs may have gone meanwhile, as an image.
        if (activity === 'Starting') memory.prepared = false;
        this.tellTrouble(seen, activity, error);
        return this.#parts.onActivityEnd(uid, error);
      }
      memory.failure = failureOf(error, failsWith);
      this.#parts.onActivityEnd(uid);
    };
    work().then(() => end(), end);
  }

  #reportSlow(seen: Observation, activity: Activity): Timer | undefined {
    const { phase, reason } = seen.run?.status ?? {};
    if (activity !== 'Preparing' && activity !== 'Starting') return undefined;
    if (phase === 'Lost' || phase === activity) return undefined;
    if (phase === 'Starting' || phase === 'Running') return undefined;
    // What was told of a trouble before is over.
    const report = { phase: activity, ...(reason ? { reason: activity, message: '' } : {}) };
    const tell = () => {
      if (!seen.memory.loading) this.report(seen, report);
    };
    return this.#parts.clock.after(slowMs, tell, { unref: true });
  }

  /** An engine that is away is waited for; a pull that fails again and again is not. */
  #isTooLong({ memory }: Observation, error: unknown): boolean {
    const now = this.#parts.clock.monotonic();
    const isPull = reasonOf(error) === 'ImagePullFailed';
    memory.pullFailsSince = isPull ? (memory.pullFailsSince ?? now) : undefined;
    return isPull && now - (memory.pullFailsSince ?? now) > pullPatienceMs;
  }

  /** Why what is wanted of it is not done, unless the host has that already. */
  tellTrouble(seen: Observation, activity: Activity | undefined, error: unknown): void {
    const run = this.#parts.cache.get(seen.uid);
    const report = troubleReport(run?.status, activity, error);
    if (report) this.#parts.statuses.report(referenceOf(seen), report, run?.metadata.resourceVersion);
  }

  report(seen: Observation, report: RunReport): void {
    this.#parts.statuses.report(referenceOf(seen), report, seen.run?.metadata.resourceVersion);
  }
}

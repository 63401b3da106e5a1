import { isTerminal, type RunStatus } from '../api/index.ts';
import {
  backoffDelay,
  type Clock,
  errorMessage,
  type Logger,
  RiverError,
  type Rng,
  type Timer,
} from '../base/index.ts';
import type { Client } from '../client/index.ts';
import type { Count } from './counters.ts';
import { withDeadline } from './deadline.ts';

const retryBackoff = { baseMs: 250, capMs: 15_000 };
const writeDeadlineMs = 30_000;
const atOnce = 64;

export type RunReport = Partial<RunStatus>;

export interface RunReference {
  uid: string;
  namespace: string;
  name: string;
}

export interface StatusManagerParts {
  client: Pick<Client, 'patch'>;
  clock: Clock;
  rng: Rng;
  logger: Logger;
  count: Count;
  /** The host has it. The report counts as under way until the promise has settled. */
  onAcknowledged: (run: RunReference, report: RunReport) => Promise<void>;
  /** The host will never take it: gone, another uid, another state than thought. */
  onDropped: (run: RunReference, error: RiverError) => void;
}

interface Entry {
  run: RunReference;
  /** The newest report that the host has not acknowledged. */
  wanted?: { report: RunReport; key: string };
  acknowledged?: { key: string; resourceVersion: string; phase: RunReport['phase'] };
  inFlight: boolean;
  attempt: number;
  timer?: Timer;
}

/**
 * The one writer of Run status on this node. Keeps the newest report of each Run and brings it to the host, for
 * hours if need be; reports that came and were replaced meanwhile are never sent. A final report is never replaced.
 */
export class StatusManager {
  readonly #parts: StatusManagerParts;
  readonly #entries = new Map<string, Entry>();
  #ready: Entry[] = [];
  #inFlight = 0;
  #session: string | undefined;
  #closed = false;

  constructor(parts: StatusManagerParts) {
    this.#parts = parts;
  }

  /** Nothing is sent before the host knows the session. */
  setSession(session: string): void {
    this.#session = session;
    this.#pump();
  }

  /** How many Runs the host does not know the newest of. */
  get pending(): number {
    return [...this.#entries.values()].filter((entry) => entry.wanted).length;
  }

  /**
   * `seenVersion` is the version of the Run that the report was decided on: one that the host has acknowledged is
   * sent again only when the Run has changed after that.
   */
  report(run: RunReference, report: RunReport, seenVersion: string | undefined): void {
    const key = JSON.stringify(report);
    const entry = this.#entries.get(run.uid) ?? { run, inFlight: false, attempt: 0 };
    if (entry.wanted && (entry.wanted.key === key || isFinal(entry.wanted.report))) return;
    const { acknowledged } = entry;
    const said = acknowledged && (acknowledged.key === key || (isFinal(acknowledged) && isFinal(report)));
    if (!entry.wanted && said && isOlder(seenVersion, acknowledged.resourceVersion)) return;
    entry.wanted = { report, key };
    this.#entries.set(run.uid, entry);
    if (!entry.inFlight && !entry.timer) this.#queue(entry);
  }

  isPending(uid: string): boolean {
    return this.#entries.get(uid)?.wanted !== undefined;
  }

  /** Whether it was given back to the scheduler and the cache does not show that yet: hands off. */
  isRefused(uid: string): boolean {
    const entry = this.#entries.get(uid);
    return entry?.wanted?.report.phase === 'Pending' || entry?.acknowledged?.phase === 'Pending';
  }

  /** The cache shows this version: what is remembered only to bridge its delay can go. */
  seen(uid: string, version: string | undefined): void {
    const entry = this.#entries.get(uid);
    if (!entry || entry.wanted || entry.inFlight || !entry.acknowledged) return;
    if (!isOlder(version, entry.acknowledged.resourceVersion)) this.#entries.delete(uid);
  }

  /** The Run is gone. */
  forget(uid: string): void {
    this.#entries.get(uid)?.timer?.cancel();
    this.#entries.delete(uid);
  }

  /** What a host before its restore has acknowledged says nothing about this one. */
  forgetAcknowledged(): void {
    for (const entry of this.#entries.values()) entry.acknowledged = undefined;
  }

  close(): void {
    this.#closed = true;
    for (const entry of this.#entries.values()) entry.timer?.cancel();
    this.#ready = [];
  }

  #queue(entry: Entry): void {
    this.#ready.push(entry);
    this.#pump();
  }

  #pump(): void {
    if (this.#session === undefined || this.#closed) return;
    while (this.#inFlight < atOnce) {
      const entry = this.#ready.shift();
      if (!entry) return;
      if (!entry.wanted || entry.inFlight || this.#entries.get(entry.run.uid) !== entry) continue;
      void this.#send(entry, entry.wanted, this.#session);
    }
  }

  async #send(entry: Entry, sent: { report: RunReport; key: string }, session: string): Promise<void> {
    const { client, clock } = this.#parts;
    const { uid, namespace, name } = entry.run;
    // How far a preparation was, says nothing about what came after it.
    const isOver = sent.report.phase !== undefined && sent.report.phase !== 'Preparing';
    const status = { ...sent.report, ...(isOver ? { progress: null } : {}), session };
    const patch = { metadata: { uid }, status };
    entry.inFlight = true;
    this.#inFlight += 1;
    try {
      const answer = client.patch('Run', namespace, name, patch, { subresource: 'status' });
      const run = await withDeadline(clock, writeDeadlineMs, answer);
      await this.#acknowledged(entry, sent, run.metadata.resourceVersion ?? '');
    } catch (error) {
      this.#failed(entry, sent, error);
    } finally {
      entry.inFlight = false;
      this.#inFlight -= 1;
      if (entry.wanted && !entry.timer) this.#ready.push(entry);
      this.#pump();
    }
  }

  async #acknowledged(entry: Entry, sent: { report: RunReport; key: string }, resourceVersion: string) {
    if (this.#closed) return;
    entry.attempt = 0;
    await this.#parts.onAcknowledged(entry.run, sent.report);
    entry.acknowledged = { key: sent.key, resourceVersion, phase: sent.report.phase };
    if (entry.wanted === sent) entry.wanted = undefined;
  }

  #failed(entry: Entry, sent: { report: RunReport; key: string }, error: unknown): void {
    const { clock, rng, logger, count } = this.#parts;
    if (this.#closed) return;
    const { run } = entry;
    if (isRefusal(error)) {
      count('report_refused');
      logger.warn('the host refused a report', { run: run.name, code: error.code, error: error.message });
      if (entry.wanted === sent) entry.wanted = undefined;
      this.#parts.onDropped(run, error);
      return;
    }
    count('report_failed');
    logger.debug('a report did not reach the host', { run: run.name, error: errorMessage(error) });
    const delayMs = backoffDelay(retryBackoff, entry.attempt, rng);
    entry.attempt += 1;
    entry.timer = clock.after(delayMs, () => {
      entry.timer = undefined;
      this.#queue(entry);
    });
  }
}

function isFinal(report: Pick<RunReport, 'phase'>): boolean {
  return report.phase !== undefined && isTerminal(report.phase);
}

/** Versions are numbers that grow with every write of the host. Not known: older than anything. */
function isOlder(seen: string | undefined, than: string): boolean {
  return seen === undefined || Number(seen) < Number(than);
}

/** The host will never take it. What is wrong with the token or inside the host passes. */
function isRefusal(error: unknown): error is RiverError {
  if (!(error instanceof RiverError) || error.transient) return false;
  return error.code !== 'Unauthorized' && error.code !== 'InternalError';
}

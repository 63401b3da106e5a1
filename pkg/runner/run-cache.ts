import { getCondition, isTerminal, type Run } from '../api/index.ts';
import { backoffDelay, type Clock, errorMessage, type Logger, type Rng, type Timer } from '../base/index.ts';
import type { Client, WatchEvent } from '../client/index.ts';
import type { Count } from './counters.ts';
import { withDeadline } from './deadline.ts';

const relistBackoff = { baseMs: 200, capMs: 15_000 };
/** A watch that lasted so long had nothing wrong with it; one that is cut at once is not asked for again at once. */
const healthyMs = 10_000;
const listDeadlineMs = 60_000;
const pageSize = 500;

export interface RunCacheParts {
  client: Pick<Client, 'list' | 'watch'>;
  node: string;
  clock: Clock;
  rng: Rng;
  logger: Logger;
  count: Count;
  /**
   * Called for each Run that came, changed or went, after the cache shows it. `isWantedAnew`: not only its status
   * has changed, which may be the runner's own report coming back.
   */
  onChange: (uid: string, isWantedAnew: boolean) => void;
  /** Called after each whole list. */
  onSynced: () => void;
}

/**
 * The Runs bound to this node, as the host shows them: list, then watch, and list again when the watch ends. What a
 * failed or unfinished list does not name stays: only a whole list replaces what is there.
 */
export class RunCache {
  readonly #parts: RunCacheParts;
  #runs = new Map<string, Run>();
  #synced = false;
  #watch: { close(): void } | undefined;
  #timer: Timer | undefined;
  #attempt = 0;
  /** Answers of an older round are ignored. */
  #round = 0;
  #listedRound = -1;
  #closed = false;

  constructor(parts: RunCacheParts) {
    this.#parts = parts;
  }

  /** Whether a whole list has been read in this epoch of the host. */
  get synced(): boolean {
    return this.#synced;
  }

  get(uid: string): Run | undefined {
    return this.#runs.get(uid);
  }

  uids(): IterableIterator<string> {
    return this.#runs.keys();
  }

  /** Whether a Run of this name and another uid is here: they share the paths of their output. */
  hasNamesake(namespace: string, name: string, uid: string): boolean {
    for (const run of this.#runs.values()) {
      const { metadata } = run;
      if (metadata.name === name && metadata.namespace === namespace && metadata.uid !== uid) return true;
    }
    return false;
  }

  /** Whether a list that was begun after the last restart has been read in whole. */
  get isCurrent(): boolean {
    return this.#synced && this.#listedRound === this.#round;
  }

  /** Lists again. `forgetSync`: the host is another one than before, what is here means nothing until then. */
  restart(options: { forgetSync?: boolean } = {}): void {
    if (this.#closed) return;
    if (options.forgetSync) this.#forgetAll();
    this.#watch?.close();
    this.#watch = undefined;
    this.#timer?.cancel();
    this.#round += 1;
    void this.#listAndWatch(this.#round);
  }

  /** An end that the host of before knew must not be taken for one that this one knows. */
  #forgetAll(): void {
    const uids = [...this.#runs.keys()];
    this.#synced = false;
    this.#runs = new Map();
    for (const uid of uids) this.#parts.onChange(uid, false);
  }

  close(): void {
    this.#closed = true;
    this.#round += 1;
    this.#watch?.close();
    this.#timer?.cancel();
  }

  get #fieldSelector(): string {
    return `spec.placement.node=${this.#parts.node}`;
  }

  async #listAndWatch(round: number): Promise<void> {
    try {
      const { runs, resourceVersion } = await this.#listAll();
      if (round !== this.#round) return;
      this.#listedRound = round;
      this.#replace(runs);
      this.#follow(round, resourceVersion);
    } catch (error) {
      if (round !== this.#round) return;
      this.#parts.count('runs_list_failed');
      this.#parts.logger.warn('cannot list the runs of this node', { error: errorMessage(error) });
      this.#again();
    }
  }

  async #listAll(): Promise<{ runs: Run[]; resourceVersion: string }> {
    const { client, clock } = this.#parts;
    const runs: Run[] = [];
    let next: string | undefined;
    for (;;) {
      const page = await withDeadline(
        clock,
        listDeadlineMs,
        client.list('Run', {
          fieldSelector: this.#fieldSelector,
          limit: pageSize,
          ...(next === undefined ? {} : { continue: next }),
        }),
      );
      runs.push(...page.items);
      if (!page.continue) return { runs, resourceVersion: page.resourceVersion };
      next = page.continue;
    }
  }

  #replace(runs: Run[]): void {
    const before = this.#runs;
    const now = runs.map((run): [string, Run] => [run.metadata.uid ?? '', slim(run)]);
    this.#runs = new Map(now);
    this.#synced = true;
    const gone = [...before.keys()].filter((uid) => !this.#runs.has(uid));
    for (const uid of gone) this.#parts.onChange(uid, true);
    for (const [uid, run] of now) {
      const old = before.get(uid);
      if (old?.metadata.resourceVersion !== run.metadata.resourceVersion)
        this.#parts.onChange(uid, isWantedAnew(old, run));
    }
    this.#parts.onSynced();
  }

  #follow(round: number, resourceVersion: string): void {
    const options = { fieldSelector: this.#fieldSelector, resourceVersion };
    const current = () => round === this.#round;
    const { client, clock } = this.#parts;
    const since = clock.monotonic();
    this.#watch = client.watch('Run', options, {
      event: (event) => {
        if (current()) this.#apply(event);
      },
      closed: (error) => {
        if (!current()) return;
        if (clock.monotonic() - since >= healthyMs) this.#attempt = 0;
        this.#parts.count('runs_watch_ended');
        this.#parts.logger.debug('the watch of runs has ended', { error: error?.message });
        this.#again();
      },
    });
  }

  #apply({ type, object }: WatchEvent<Run>): void {
    const uid = object.metadata.uid ?? '';
    const before = this.#runs.get(uid);
    if (type === 'DELETED') this.#runs.delete(uid);
    else this.#runs.set(uid, slim(object));
    this.#parts.onChange(uid, type === 'DELETED' || isWantedAnew(before, object));
  }

  #again(): void {
    const { clock, rng } = this.#parts;
    const delayMs = backoffDelay(relistBackoff, this.#attempt, rng);
    this.#attempt += 1;
    this.#timer?.cancel();
    this.#timer = clock.after(delayMs, () => this.restart());
  }
}

function isWantedAnew(before: Run | undefined, now: Run): boolean {
  return (
    before?.spec.desired !== now.spec.desired ||
    before.metadata.deletionTimestamp !== now.metadata.deletionTimestamp
  );
}

/** Of a finished Run only what clearing up needs stays in memory: they are kept for days. */
function slim(run: Run): Run {
  const { metadata, spec, status } = run;
  if (!status || !isTerminal(status.phase)) return run;
  const { uid, namespace, name, resourceVersion, deletionTimestamp } = metadata;
  const tornDown = getCondition(status.conditions, 'TornDown');
  const { conditions: _conditions, avoid: _avoid, ...outcome } = status;
  return {
    apiVersion: run.apiVersion,
    kind: run.kind,
    metadata: { uid, namespace, name, resourceVersion, ...(deletionTimestamp ? { deletionTimestamp } : {}) },
    spec: {
      task: spec.task,
      revision: spec.revision,
      ordinal: spec.ordinal,
      attempt: spec.attempt,
      desired: spec.desired,
      runtime: spec.runtime,
    },
    status: tornDown ? { ...outcome, conditions: [tornDown] } : outcome,
  };
}

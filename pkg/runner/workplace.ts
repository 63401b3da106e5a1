import { isTerminal, type Run, type RunSample, type Runtime } from '../api/index.ts';
import { errorMessage, type RiverError, type Timer } from '../base/index.ts';
import type { CurrentEnvironment } from '../client/index.ts';
import type { RuntimeProbe } from '../executor/index.ts';
import type { Topology } from '../topology/index.ts';
import { Confinement } from './confinement.ts';
import {
  type EnvironmentFacts,
  type EnvironmentParts,
  type EnvironmentReference,
  Environments,
  loadingReason,
} from './environments/index.ts';
import type { RunEvents } from './events.ts';
import type { ClusterMark } from './intents.ts';
import { KeyLoop } from './key-loop.ts';
import { RunAgent } from './run-agent.ts';
import { RunCache } from './run-cache.ts';
import { RunMemories } from './run-memory.ts';
import { RunSamples } from './run-samples.ts';
import { Runtimes } from './runtimes.ts';
import type { RunnerParts, Volume } from './seams.ts';
import { type RunReference, type RunReport, StatusManager } from './status-manager.ts';
import { StepActions } from './step-actions.ts';

const probeEveryMs = 10_000;
/** Safety net: everything is looked at again, whatever was missed. */
const resyncEveryMs = 60_000;

export interface WorkplaceParts extends RunnerParts {
  cluster: ClusterMark;
  bootId: string;
  events: RunEvents;
  /** What the machine has; undefined until it was read. */
  topology: () => Topology | undefined;
  /** What the Node shows about runtimes or quarantine may have changed. */
  onNodeChanged: () => void;
}

/** Everything of the runner that works for one cluster: wires the loop, the cache, the reports and the runtimes. */
export class Workplace {
  readonly #parts: WorkplaceParts;
  readonly #runtimes: Runtimes;
  readonly #memories = new RunMemories();
  readonly #loop: KeyLoop;
  readonly #cache: RunCache;
  readonly #statuses: StatusManager;
  readonly #confinement: Confinement;
  readonly #samples: RunSamples;
  readonly #environments: Environments | undefined;
  #epoch: string;
  #probed = '';
  #timers: Timer[] = [];
  #listeners: { close(): void }[] = [];
  #closed = false;

  constructor(parts: WorkplaceParts) {
    const { client, clock, rng, logger, settings, bootId, intents, folders, cluster } = parts;
    const { count } = parts.counters;
    this.#parts = parts;
    this.#epoch = cluster.epoch;
    this.#runtimes = new Runtimes(parts.executors(cluster.clusterUid), clock, count);
    this.#loop = new KeyLoop({ clock, rng, logger, count, work: (uid) => agent.pass(uid) });
    this.#cache = new RunCache({
      client,
      node: settings.name,
      clock,
      rng,
      logger,
      count,
      onChange: (uid, urgent) => {
        this.#confinement.changed(uid);
        this.#loop.poke(uid, { urgent });
      },
      onSynced: () => {
        void this.#confinement.look();
        this.#pokeAll();
      },
    });
    this.#confinement = new Confinement({
      ...{ cache: this.#cache, intents, runtimes: this.#runtimes },
      ...{ topology: parts.topology, clock, logger },
      onConfined: (uid, cpus, problem) => this.#confined(uid, cpus, problem),
    });
    this.#samples = new RunSamples({
      ...{ cache: this.#cache, clock },
      executor: (runtime) => this.#runtimes.executor(runtime),
    });
    this.#statuses = new StatusManager({
      client,
      clock,
      rng,
      logger,
      count,
      onAcknowledged: (run, report) => this.#acknowledged(run, report),
      onDropped: (run, error) => this.#dropped(run, error),
    });
    const shared = {
      settings,
      bootId,
      intents,
      clock,
      count,
      epoch: () => this.#epoch,
      runtimes: this.#runtimes,
      memories: this.#memories,
      cache: this.#cache,
      statuses: this.#statuses,
      acting: () => !this.#closed,
    };
    this.#environments = parts.environments && this.#openEnvironments(parts.environments);
    const actions = new StepActions({
      ...shared,
      environments: this.#environments,
      confinement: this.#confinement,
      client,
      clusterUid: cluster.clusterUid,
      folders,
      onActivityEnd: (uid, error) =>
        error === undefined ? this.#loop.poke(uid) : this.#loop.fail(uid, error),
      onQuarantine: () => parts.onNodeChanged(),
    });
    const agent = new RunAgent({
      ...shared,
      logger,
      perform: (step, observation) => actions.perform(step, observation),
    });
  }

  #openEnvironments(environments: EnvironmentParts): Environments {
    const { clock, rng, logger, intents, cluster, onNodeChanged, counters } = this.#parts;
    return new Environments({
      ...environments,
      ...{ clock, rng, logger, count: counters.count, intents, clusterUid: cluster.clusterUid },
      needed: () => this.#neededEnvironments(),
      onChanged: onNodeChanged,
    });
  }

  #neededEnvironments(): EnvironmentReference[] | undefined {
    if (!this.#cache.synced) return undefined;
    return [...this.#cache.uids()].flatMap((uid) => {
      const run = this.#cache.get(uid);
      const environment = run?.spec.placement?.environment;
      return environment && !isTerminal(run?.status?.phase ?? 'Pending') ? [environment] : [];
    });
  }

  environments(): EnvironmentFacts | undefined {
    return this.#environments?.facts();
  }

  /** What the host has now. */
  offered(current: readonly CurrentEnvironment[]): void {
    this.#environments?.offered(current);
  }

  get pendingReports(): number {
    return this.#statuses.pending;
  }

  /** What runs use now. */
  samples(): Promise<RunSample[]> {
    return this.#samples.look();
  }

  engineVolumes(): Volume[] {
    return this.#runtimes.dataDirs().map((path) => ({ use: 'engine', path }));
  }

  probes(): { runtime: Runtime; probe: RuntimeProbe }[] {
    return this.#runtimes.probes();
  }

  /** Names of what the host does not know, sorted. */
  quarantined(): string[] {
    return this.#memories
      .quarantined()
      .map((uid) => {
        const intent = this.#parts.intents.get(uid);
        return intent ? `${intent.namespace}/${intent.name}` : uid;
      })
      .sort();
  }

  start(): void {
    for (const executor of this.#runtimes.executors())
      this.#listeners.push(
        executor.onChange((uid) => (uid === undefined ? void this.#resync() : this.#loop.poke(uid))),
      );
    this.#environments?.start();
    this.#every(probeEveryMs, () => this.#probe());
    this.#every(resyncEveryMs, () => this.#resync());
  }

  /** The host knows the session: reports may be sent, and its list is worth reading. */
  connect(session: string): void {
    this.#statuses.setSession(session);
    this.#cache.restart();
  }

  relist(): void {
    this.#cache.restart();
  }

  /** Whether every Run of this node has ended, as the host shows it now, and nothing of any is on the machine or under way. */
  async isClean(): Promise<boolean> {
    if (!this.#cache.isCurrent) return false;
    for (const uid of this.#cache.uids()) if (!hasEnded(this.#cache.get(uid))) return false;
    for (const executor of this.#runtimes.executors()) {
      const found = await executor.list();
      if (found.some(({ runUid }) => !this.#memories.isQuarantined(runUid))) return false;
    }
    return !this.#hasUnfinished();
  }

  /** Whether all that is on the machine, or on its way there, belongs to Runs that the host shows here and that have not ended. */
  async hasNoLeftovers(): Promise<boolean> {
    if (!this.#cache.isCurrent) return false;
    const isLeft = (uid: string) => {
      const run = this.#cache.get(uid);
      return (!run || hasEnded(run)) && !this.#memories.isQuarantined(uid);
    };
    for (const executor of this.#runtimes.executors())
      if ((await executor.list()).some(({ runUid }) => isLeft(runUid))) return false;
    return !this.#hasUnfinished(isLeft);
  }

  /** What was set out to do for any of them, or of those, is not over: a start may be on its way, or wait for its turn, and is in no list yet. */
  #hasUnfinished(isOne: (uid: string) => boolean = () => true): boolean {
    const unfinished = this.#parts.intents.unfinished(this.#epoch);
    return unfinished.some((uid) => isOne(uid) && !this.#memories.isQuarantined(uid));
  }

  /** The host was restored from a backup: it may have forgotten what it had acknowledged, and whole Runs. */
  newEpoch(epoch: string): void {
    this.#epoch = epoch;
    this.#memories.forgetHost();
    this.#statuses.forgetAcknowledged();
    this.#cache.restart({ forgetSync: true });
    this.#parts.onNodeChanged();
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const timer of this.#timers) timer.cancel();
    for (const listener of this.#listeners) listener.close();
    this.#loop.close();
    this.#environments?.close();
    this.#confinement.close();
    this.#cache.close();
    this.#statuses.close();
    await Promise.allSettled(this.#runtimes.executors().map((executor) => executor.close()));
  }

  /** At once, and again so long after each end. */
  #every(intervalMs: number, work: () => Promise<void>): void {
    const { clock, logger } = this.#parts;
    const index = this.#timers.length;
    const round = () => {
      work()
        .catch((error: unknown) => logger.warn('a regular look failed', { error: errorMessage(error) }))
        .finally(() => {
          if (!this.#closed) this.#timers[index] = clock.after(intervalMs, round);
        });
    };
    this.#timers.push({ cancel: () => {} });
    round();
  }

  async #probe(): Promise<void> {
    const back = await this.#runtimes.probeAll();
    if (this.#closed) return;
    const probed = JSON.stringify(this.#runtimes.probes());
    if (probed !== this.#probed) this.#parts.onNodeChanged();
    this.#probed = probed;
    if (back.length > 0) await this.#resync();
  }

  /** What is on the machine, what was set out to do, what the host wants: everything is looked at again. */
  async #resync(): Promise<void> {
    const { logger } = this.#parts;
    for (const executor of this.#runtimes.executors()) {
      try {
        for (const { runUid } of await executor.list()) {
          this.#memories.of(runUid).runtime = executor.runtime;
          this.#loop.poke(runUid);
        }
      } catch (error) {
        logger.debug('a runtime cannot be listed', { runtime: executor.runtime, error: errorMessage(error) });
      }
    }
    this.#pokeAll();
  }

  #pokeAll(): void {
    if (this.#closed) return;
    const { intents } = this.#parts;
    for (const uid of intents.unfinished(this.#epoch)) this.#loop.poke(uid);
    for (const uid of intents.uids()) if (!this.#cache.get(uid)) this.#loop.poke(uid);
    for (const uid of this.#cache.uids()) {
      const run = this.#cache.get(uid);
      const over = hasEnded(run) && !run?.metadata.deletionTimestamp;
      if (!over) this.#loop.poke(uid);
    }
  }

  /** Looked at again only if it shows something else than what the host has. */
  #confined(uid: string, cpus: string, problem: string | undefined): void {
    const memory = this.#memories.of(uid);
    const shown = this.#cache.get(uid)?.status?.observed;
    if (shown?.cpus === cpus && problem === memory.astray) return;
    memory.astray = problem;
    this.#loop.poke(uid);
  }

  async #acknowledged(run: RunReference, report: RunReport): Promise<void> {
    const { intents, events, clock } = this.#parts;
    const { phase, reason, message } = report;
    if (phase !== undefined && isTerminal(phase)) {
      const outcome = { ...report, phase };
      await intents.update(run.uid, { outcome, acknowledgedEpoch: this.#epoch, spec: undefined });
      const type = phase === 'Failed' ? 'Warning' : 'Normal';
      events.emit(run, type, reason ?? phase, message ?? '');
    } else if (phase === 'Pending') events.emit(run, 'Warning', 'Refused', message ?? '');
    else if (message && reason !== loadingReason)
      events.emit(run, 'Warning', reason ?? 'TryingAgain', message);
    else if (phase === 'Running') events.emit(run, 'Normal', reason ?? 'Started', 'The program runs.');
    else if (phase === 'Paused') events.emit(run, 'Normal', 'Paused', 'The program is paused.');
    // After the report has left the status manager, so that the pass finds nothing under way.
    clock.nextTurn(() => this.#loop.poke(run.uid));
  }

  /** It may be gone, or the watch is behind: look again, later each time. */
  #dropped(run: RunReference, error: RiverError): void {
    // Perhaps because a newer runner has taken over: then this one must not go on until its next heartbeat.
    if (error.code === 'Conflict') this.#parts.onNodeChanged();
    this.#loop.fail(run.uid, error);
  }
}

function hasEnded(run: Run | undefined): boolean {
  return isTerminal(run?.status?.phase ?? 'Pending');
}

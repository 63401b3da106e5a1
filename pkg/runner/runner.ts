import { type Node, type NodeStatus, versionSkew } from '../api/index.ts';
import { RiverError, timestamp } from '../base/index.ts';
import type { HeartbeatAnswer } from '../client/index.ts';
import { CleanUp } from './clean-up.ts';
import { ClockSkew } from './clock-skew.ts';
import { RunEvents } from './events.ts';
import type { ClusterMark } from './intents.ts';
import { LiveValues } from './live-values.ts';
import { nodeStatus } from './node-status.ts';
import type { RunnerParts } from './seams.ts';
import { Session } from './session.ts';
import { TopologyWatch } from './topology-watch.ts';
import { VolumeWatch } from './volume-watch.ts';
import { Workplace } from './workplace.ts';

/**
 * One start of the runner on this machine. With a cluster on record it looks after what runs at once, host or no
 * host; else it begins when the host has said which cluster it is.
 */
export class Runner {
  readonly #parts: RunnerParts;
  readonly #bootId: string;
  readonly #session: Session;
  readonly #events: RunEvents;
  readonly #topology: TopologyWatch;
  readonly #volumes: VolumeWatch;
  readonly #clockSkew: ClockSkew;
  #cluster: ClusterMark | undefined;
  #workplace: Workplace | undefined;
  readonly #cleanUp: CleanUp;
  /** Why the host gives this runner nothing new. */
  #skew: string | undefined;
  #connected = false;
  #isFenced = false;
  #stopped = false;

  constructor(parts: RunnerParts) {
    const { client, settings, clock, rng, logger, counters } = parts;
    this.#parts = parts;
    this.#bootId = parts.readBootId();
    this.#cluster = parts.intents.cluster();
    this.#events = new RunEvents({ client, node: settings.name, clock, rng, logger });
    this.#cleanUp = new CleanUp({
      clock,
      relist: () => this.#workplace?.relist(),
      isClean: () => this.#isClean(),
      onDone: () => this.#session.refreshStatus(),
    });
    this.#topology = new TopologyWatch({
      ...{ machine: parts.machine, clock, logger },
      onChange: () => this.#session.refreshStatus(),
    });
    this.#volumes = new VolumeWatch({
      ...{ volumes: parts.volumes, clock, logger },
      engines: () => this.#workplace?.engineVolumes() ?? [],
      onChange: () => this.#session.refreshStatus(),
    });
    this.#clockSkew = new ClockSkew({ clock, logger, onChange: () => this.#session.refreshStatus() });
    const live = new LiveValues({
      ...{ machine: parts.machine, clock, logger },
      gpus: () => this.#topology.usage(),
      runs: async () => (await this.#workplace?.samples()) ?? [],
    });
    this.#session = new Session({
      client,
      node: settings.name,
      labels: settings.labels,
      clock,
      rng,
      logger,
      usage: () => live.now(),
      counters,
      knownEpoch: () => this.#cluster?.epoch,
      onHost: ({ clusterUid, gitVersion }) => {
        if (clusterUid !== undefined) this.#checkCluster(clusterUid);
        this.#compareVersion(gitVersion);
      },
      status: (before, session) => this.#nodeStatus(before, session),
      onNodeMissing: () => this.#nodeMissing(),
      onAnswer: (answer, roundTripMs) => {
        if (answer.time !== undefined) this.#clockSkew.measured(answer.time, roundTripMs);
        return this.#onAnswer(answer);
      },
      onRecovered: () => this.#workplace?.relist(),
      onEnded: (error) => this.#end(error),
    });
  }

  /** Of this start, as it stands in the Node. */
  get session(): string {
    return this.#session.id;
  }

  /** How many Runs the host does not know the newest of. */
  get pendingReports(): number {
    return this.#workplace?.pendingReports ?? 0;
  }

  start(): void {
    this.#topology.start();
    this.#volumes.start();
    if (this.#cluster) this.#begin(this.#cluster);
    this.#session.start();
  }

  /** Lets go of everything; what runs goes on and is adopted by the next runner. */
  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#session.close();
    this.#cleanUp.close();
    this.#topology.close();
    this.#volumes.close();
    await this.#workplace?.close();
  }

  #end(error: RiverError): void {
    this.#parts.logger.error('the runner stops acting', { error: error.message });
    void this.stop().finally(() => this.#parts.onEnded(error));
  }

  #checkCluster(clusterUid: string): void {
    const known = this.#cluster?.clusterUid;
    if (known === undefined || known === clusterUid) return;
    throw new RiverError(
      'Invalid',
      `this machine belongs to the cluster ${known}, the host to ${clusterUid}: point the runner at its own host, or give it an empty state directory once nothing of the old cluster runs here.`,
    );
  }

  /** The Node may have been fenced before it was deleted: what is left here is to go before anything new comes. */
  async #nodeMissing(): Promise<void> {
    const { intents, clock } = this.#parts;
    if (this.#cluster && intents.leftoversSince() === undefined)
      await intents.setLeftovers(timestamp(clock.now()));
  }

  /** Raises when it cannot be recorded: then it is looked again. */
  async #isClean(): Promise<boolean> {
    if (!this.#workplace) return false;
    const isClean = this.#isFenced ? await this.#workplace.isClean() : await this.#workplace.hasNoLeftovers();
    const { intents } = this.#parts;
    if (isClean && intents.leftoversSince() !== undefined) await intents.setLeftovers(undefined);
    return isClean;
  }

  #compareVersion(host: string): void {
    const own = this.#parts.machine.facts().versions.river;
    const skew = versionSkew(own, host);
    if (skew === this.#skew) return;
    this.#skew = skew;
    const { logger } = this.#parts;
    if (skew !== undefined)
      logger.warn('this runner takes no new runs: the host is of another version', { skew });
    else logger.info('this runner and its host are of versions that work together again', { host });
    this.#session.refreshStatus();
  }

  async #onAnswer({ clusterUid, epoch, version, gateway, environments }: HeartbeatAnswer): Promise<void> {
    this.#checkCluster(clusterUid);
    if (version !== undefined) this.#compareVersion(version);
    this.#parts.tunnel?.offered(gateway);
    const restored = this.#cluster !== undefined && this.#cluster.epoch !== epoch;
    if (this.#cluster?.epoch !== epoch) {
      await this.#parts.intents.setCluster({ clusterUid, epoch });
      if (this.#stopped) return;
      this.#cluster = { clusterUid, epoch };
    }
    if (!this.#workplace) this.#begin(this.#cluster);
    if (restored) this.#workplace?.newEpoch(epoch);
    this.#workplace?.offered(environments ?? []);
    // After a restore with the next answer: the Node is taken over anew before.
    if (!this.#connected && !restored) this.#workplace?.connect(this.#session.id);
    this.#connected = !restored;
  }

  #begin(cluster: ClusterMark): void {
    this.#workplace = new Workplace({
      ...this.#parts,
      cluster,
      bootId: this.#bootId,
      events: this.#events,
      topology: () => this.#topology.current,
      onNodeChanged: () => this.#session.refreshStatus(),
    });
    this.#workplace.start();
  }

  #nodeStatus({ spec, status: before }: Node, session: string): NodeStatus {
    this.#isFenced = spec?.fencedAt !== undefined;
    const leftoversSince = this.#parts.intents.leftoversSince();
    this.#cleanUp.wanted(spec?.fencedAt ?? leftoversSince);
    const { settings, machine, clock } = this.#parts;
    return nodeStatus(
      {
        settings,
        machine: machine.facts(),
        topology: this.#topology.current,
        probes: this.#workplace?.probes() ?? [],
        watched: [...this.#volumes.conditions(), ...this.#clockSkew.conditions()],
        quarantined: this.#workplace?.quarantined() ?? [],
        environments: this.#workplace?.environments(),
        bootId: this.#bootId,
        session,
        skew: this.#skew,
        fencedAt: spec?.fencedAt,
        hasLeftovers: leftoversSince !== undefined,
        cleanedUpFor: this.#cleanUp.doneFor,
        sshKey: this.#parts.tunnel?.publicKey,
      },
      before?.conditions ?? [],
      clock.now(),
    );
  }
}

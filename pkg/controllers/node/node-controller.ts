import {
  getCondition,
  isBound,
  type Node,
  type Run,
  type RunStatus,
  versionSkew,
  versionSkewType,
} from '../../api/index.ts';
import { type Clock, hasCode, type Logger, timestamp } from '../../base/index.ts';
import type { Client } from '../../client/index.ts';
import {
  type Controller,
  type EventRecorder,
  forEachLimited,
  type Informer,
  type InformerSet,
  type Result,
} from '../../controller/index.ts';

/** When nodes were last heard of. The API server keeps it, in memory. All times are milliseconds of the host's monotonic clock. */
export interface Leases {
  /** Undefined when nothing was heard since the host started. */
  lastSeen(node: string): number | undefined;
  readonly leaseMs: number;
}

export interface NodeControllerOptions {
  client: Client;
  informers: InformerSet;
  leases: Leases;
  events: EventRecorder;
  clock: Clock;
  logger: Logger;
}

const parallelWrites = 64;

export class NodeController implements Controller {
  readonly name = 'node';
  readonly workers = 8;
  readonly #options: NodeControllerOptions;
  readonly #nodes: Informer<'Node'>;
  readonly #runs: Informer<'Run'>;
  readonly #runsOn: (node: string) => Run[];
  /**
   * When this process first saw the node, and later each time that its runner introduced itself: from here it has a
   * full lease, also after a start of the host.
   */
  readonly #seenAt = new Map<string, number>();

  constructor(options: NodeControllerOptions) {
    this.#options = options;
    this.#nodes = options.informers.of('Node');
    this.#runs = options.informers.of('Run');
    this.#runsOn = this.#runs.index('bound', (run) =>
      run.spec.placement && isBound(run.status?.phase ?? 'Pending') ? [run.spec.placement.node] : [],
    );
  }

  watch(enqueue: (key: string) => void): void {
    this.#nodes.onChange((name, previous, current) => {
      if (!current) this.#seenAt.delete(name);
      else if (introducesItself(previous, current)) this.#seenAt.set(name, this.#options.clock.monotonic());
      this.#logSkew(name, previous, current);
      enqueue(name);
    });
    this.#runs.onChange((_key, _previous, current) => {
      const node = current?.spec.placement?.node;
      if (!current || !node || !isBound(current.status?.phase ?? 'Pending')) return;
      const known = this.#nodes.get(node);
      // On a Ready node the timer of its lease is all that is needed.
      if (known?.spec?.fencedAt || known?.spec?.drain || (isAlive(current) && !isReady(known))) enqueue(node);
    });
  }

  async reconcile(name: string): Promise<Result | undefined> {
    const node = this.#nodes.get(name);
    if (!node) {
      if (await this.#isStored(name)) return undefined;
      await this.#lose(name, 'NodeDeleted', `node ${name} was deleted while the run was there`);
      return undefined;
    }
    await this.#judgeVersion(node);
    if (node.spec?.drain) await forEachLimited(this.#runsOn(name), parallelWrites, (run) => this.#evict(run));
    if (node.spec?.fencedAt !== undefined) return this.#keepFenced(node, node.spec.fencedAt);
    const leftMs = this.#leaseEnd(name) - this.#options.clock.monotonic();
    if (leftMs > 0) return { requeueAfterMs: leftMs };
    const silence = `nothing was heard of node ${name} for ${this.#options.leases.leaseMs / 1000} s`;
    await this.#markUnknown(node, silence);
    await this.#lose(name, 'LeaseExpired', `${silence}; the run may still be alive there`);
    // A heartbeat changes no object: look again whether it is back and expires once more.
    return { requeueAfterMs: this.#options.leases.leaseMs };
  }

  /** The host may be of another version than at the last write of this Node; with every write the API judges it anew. */
  async #judgeVersion(node: Node): Promise<void> {
    const { client } = this.#options;
    const { gitVersion } = await client.version();
    const isSkewed = versionSkew(node.status?.versions?.river, gitVersion) !== undefined;
    if (isSkewed === (skewOf(node) !== undefined)) return;
    const { name = '', uid } = node.metadata;
    await unlessGone(
      client.patch('Node', '', name, { metadata: { uid }, status: {} }, { subresource: 'status' }),
    );
  }

  #logSkew(node: string, previous: Node | undefined, current: Node | undefined): void {
    const before = skewOf(previous);
    const skew = skewOf(current);
    if (skew === before || !current) return;
    const { logger } = this.#options;
    if (skew !== undefined)
      logger.warn('a node takes no new runs: its runner is of another version', { node, skew });
    else logger.info('a node and this host are of versions that work together again', { node });
  }

  /** Its Runs fail; when the runner has been back and left nothing of them, the fence goes. */
  async #keepFenced(node: Node, fencedAt: string): Promise<Result | undefined> {
    const { name = '', uid, resourceVersion } = node.metadata;
    const message = `node ${name} was fenced at ${fencedAt}: a person has declared it dead`;
    await this.#lose(name, 'NodeFenced', message);
    await forEachLimited(this.#runsOn(name).filter(isLost), parallelWrites, (run) =>
      this.#fail(run, message),
    );
    // A Run whose new phase the cache does not show yet leads here again.
    if (node.status?.cleanedUpFor !== fencedAt || this.#runsOn(name).length > 0)
      return this.#untilSilent(node);
    const patch = { metadata: { uid, resourceVersion }, spec: { fencedAt: null } };
    await this.#options.client.patch('Node', '', name, patch);
    const lifted = 'its runner has cleaned up: the fence is lifted';
    this.#options.events.record(node, { type: 'Normal', reason: 'FenceLifted', message: lifted });
    return undefined;
  }

  /** A fenced node that is back may be gone again before it has cleaned up. */
  async #untilSilent(node: Node): Promise<Result> {
    const { leaseMs } = this.#options.leases;
    const leftMs = this.#leaseEnd(node.metadata.name ?? '') - this.#options.clock.monotonic();
    if (leftMs > 0) return { requeueAfterMs: leftMs };
    await this.#markUnknown(node, `nothing was heard of it for ${leaseMs / 1000} s`);
    return { requeueAfterMs: leaseMs };
  }

  async #fail(run: Run, message: string): Promise<void> {
    const finishedAt = timestamp(this.#options.clock.now());
    await this.#patchStatus(run, { phase: 'Failed', reason: 'Fenced', message, finishedAt });
  }

  async #evict(run: Run): Promise<void> {
    if (run.spec.desired === 'Stopped') return;
    const { namespace = '', name = '', uid, resourceVersion } = run.metadata;
    const patch = { metadata: { uid, resourceVersion }, spec: { desired: 'Stopped', evicted: true } };
    await unlessGone(this.#options.client.patch('Run', namespace, name, patch));
  }

  /** Asks the store before an absence is believed in: the cache of Nodes may be behind that of Runs. */
  async #isStored(name: string): Promise<boolean> {
    try {
      await this.#options.client.get('Node', '', name);
      return true;
    } catch (error) {
      if (hasCode(error, 'NotFound')) return false;
      throw error;
    }
  }

  #leaseEnd(name: string): number {
    const { leases } = this.#options;
    return Math.max(this.#seenAt.get(name) ?? 0, leases.lastSeen(name) ?? 0) + leases.leaseMs;
  }

  async #markUnknown(node: Node, message: string): Promise<void> {
    const ready = getCondition(node.status?.conditions, 'Ready');
    if (ready?.status === 'Unknown' || !node.status) return;
    const { name = '', uid } = node.metadata;
    const now = timestamp(this.#options.clock.now());
    const condition = {
      type: 'Ready',
      status: 'Unknown',
      reason: 'LeaseExpired',
      message,
      lastTransitionTime: now,
    };
    const patch = { metadata: { uid }, status: { conditions: [condition] } };
    await this.#options.client.patch('Node', '', name, patch, { subresource: 'status' });
    this.#options.events.record(node, { type: 'Warning', reason: 'LeaseExpired', message });
  }

  async #lose(node: string, reason: string, message: string): Promise<void> {
    const alive = this.#runsOn(node).filter(isAlive);
    await forEachLimited(alive, parallelWrites, (run) =>
      this.#patchStatus(run, { phase: 'Lost', reason, message }),
    );
  }

  /** Only for the version that was seen: a report of its runner that comes between says more than silence. */
  async #patchStatus(run: Run, status: Partial<RunStatus>): Promise<void> {
    const { namespace = '', name = '', uid, resourceVersion } = run.metadata;
    const patch = { metadata: { uid, resourceVersion }, status };
    await unlessGone(this.#options.client.patch('Run', namespace, name, patch, { subresource: 'status' }));
  }
}

async function unlessGone(write: Promise<unknown>): Promise<void> {
  try {
    await write;
  } catch (error) {
    if (!hasCode(error, 'NotFound')) throw error;
  }
}

/** Only a runner says that its node is Ready, and a new session is a runner that has just started. */
function introducesItself(previous: Node | undefined, current: Node): boolean {
  const isNew = !previous || previous.metadata.uid !== current.metadata.uid;
  return (
    isNew || (isReady(current) && !isReady(previous)) || previous.status?.session !== current.status?.session
  );
}

/** What it says about versions that do not work together. */
function skewOf(node: Node | undefined): string | undefined {
  const condition = getCondition(node?.status?.conditions, versionSkewType);
  return condition?.status === 'True' ? condition.message : undefined;
}

function isLost(run: Run): boolean {
  return run.status?.phase === 'Lost';
}

/** On a node and not ended, as far as is known. */
function isAlive(run: Run): boolean {
  const phase = run.status?.phase ?? 'Pending';
  return isBound(phase) && phase !== 'Lost';
}

function isReady(node: Node | undefined): boolean {
  return getCondition(node?.status?.conditions, 'Ready')?.status === 'True';
}

import { getCondition, isBound, type Node, type Run } from '../../api/index.ts';
import { type Clock, hasCode, timestamp } from '../../base/index.ts';
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
      run.spec.placement && isAlive(run) ? [run.spec.placement.node] : [],
    );
  }

  watch(enqueue: (key: string) => void): void {
    this.#nodes.onChange((name, previous, current) => {
      if (!current) this.#seenAt.delete(name);
      else if (introducesItself(previous, current)) this.#seenAt.set(name, this.#options.clock.monotonic());
      enqueue(name);
    });
    this.#runs.onChange((_key, _previous, current) => {
      const node = current?.spec.placement?.node;
      // On a Ready node the timer of its lease is all that is needed.
      if (current && node && isAlive(current) && !isReady(this.#nodes.get(node))) enqueue(node);
    });
  }

  async reconcile(name: string): Promise<Result | undefined> {
    const node = this.#nodes.get(name);
    if (!node) {
      if (await this.#isStored(name)) return undefined;
      await this.#lose(name, 'NodeDeleted', `node ${name} was deleted while the run was there`);
      return undefined;
    }
    const leftMs = this.#leaseEnd(name) - this.#options.clock.monotonic();
    if (leftMs > 0) return { requeueAfterMs: leftMs };
    const silence = `nothing was heard of node ${name} for ${this.#options.leases.leaseMs / 1000} s`;
    await this.#markUnknown(node, silence);
    await this.#lose(name, 'LeaseExpired', `${silence}; the run may still be alive there`);
    // A heartbeat changes no object: look again whether it is back and expires once more.
    return { requeueAfterMs: this.#options.leases.leaseMs };
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
    await forEachLimited(this.#runsOn(node), parallelWrites, (run) => this.#loseRun(run, reason, message));
  }

  /** Only for the version that was seen: a report of its runner that comes between says more than silence. */
  async #loseRun(run: Run, reason: string, message: string): Promise<void> {
    const { namespace = '', name = '', uid, resourceVersion } = run.metadata;
    const patch = { metadata: { uid, resourceVersion }, status: { phase: 'Lost', reason, message } };
    try {
      await this.#options.client.patch('Run', namespace, name, patch, { subresource: 'status' });
    } catch (error) {
      if (hasCode(error, 'NotFound')) return;
      throw error;
    }
  }
}

/** Only a runner says that its node is Ready, and a new session is a runner that has just started. */
function introducesItself(previous: Node | undefined, current: Node): boolean {
  const isNew = !previous || previous.metadata.uid !== current.metadata.uid;
  return (
    isNew || (isReady(current) && !isReady(previous)) || previous.status?.session !== current.status?.session
  );
}

/** On a node and not ended, as far as is known. */
function isAlive(run: Run): boolean {
  const phase = run.status?.phase ?? 'Pending';
  return isBound(phase) && phase !== 'Lost';
}

function isReady(node: Node | undefined): boolean {
  return getCondition(node?.status?.conditions, 'Ready')?.status === 'True';
}

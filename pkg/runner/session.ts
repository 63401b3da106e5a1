import type { Node, NodeStatus } from '../api/index.ts';
import {
  backoffDelay,
  type Clock,
  errorMessage,
  hasCode,
  type Logger,
  RiverError,
  type Rng,
  type Timer,
} from '../base/index.ts';
import type { Client, HeartbeatAnswer, ServerVersion } from '../client/index.ts';
import type { RunnerCounters } from './counters.ts';
import { withDeadline } from './deadline.ts';

const callDeadlineMs = 10_000;
const defaultLeaseMs = 30_000;
/** Until the host is there at start. */
const retryMs = 3_000;

export interface SessionParts {
  client: Client;
  node: string;
  labels: Readonly<Record<string, string>>;
  clock: Clock;
  rng: Rng;
  logger: Logger;
  /** Never waits for anything but the kernel, and never raises. */
  usage: () => Promise<NonNullable<NodeStatus['usage']>>;
  counters: RunnerCounters;
  /** Epoch of the host that this runner has worked with. */
  knownEpoch: () => string | undefined;
  /** Who the host says it is. Raises `Invalid` for one that this machine does not belong to. */
  onHost: (host: ServerVersion) => void;
  /** The Node's status as it should be now; `before` is the Node that the host has. */
  status: (before: Node, session: string) => NodeStatus;
  /** The host has no Node of this name: it was never there, or somebody has deleted it. Before it is made. */
  onNodeMissing: () => Promise<void>;
  /** An answer of the host to a heartbeat, so long after that was sent: first of all which cluster it is. Throws to end the session. */
  onAnswer: (answer: HeartbeatAnswer, roundTripMs: number) => Promise<void>;
  /** The host is back after heartbeats that failed. */
  onRecovered: () => void;
  /** The runner must not act any more. */
  onEnded: (error: RiverError) => void;
}

/**
 * This start of the runner, as the host knows it: takes over the Node, keeps its lease and its status. Writes only
 * what has changed, and only while no newer runner of the same name has taken over.
 */
export class Session {
  readonly #parts: SessionParts;
  #id: string;
  #written: Node | undefined;
  #timer: Timer | undefined;
  #leaseMs = defaultLeaseMs;
  #missed = 0;
  #busy = false;
  #statusWanted = false;
  #ended = false;

  constructor(parts: SessionParts) {
    this.#parts = parts;
    this.#id = parts.rng.uuid();
  }

  get id(): string {
    return this.#id;
  }

  start(): void {
    void this.#beat();
  }

  /** Something that the Node's status shows may have changed. */
  refreshStatus(): void {
    this.#statusWanted = true;
    if (this.#written && !this.#busy) this.#schedule(0);
  }

  close(): void {
    this.#ended = true;
    this.#timer?.cancel();
  }

  /** One round: take over if that is still to be done, heartbeat, status if it changed. Never two at a time. */
  async #beat(): Promise<void> {
    if (this.#busy || this.#ended) return;
    this.#busy = true;
    try {
      if (!this.#written) await this.#takeOver();
      await this.#heartbeat();
      if (this.#missed > 0 && !this.#ended) this.#parts.onRecovered();
      this.#missed = 0;
    } catch (error) {
      this.#failed(error);
    }
    this.#busy = false;
    if (!this.#ended) this.#schedule(this.#nextDelay());
  }

  #schedule(delayMs: number): void {
    this.#timer?.cancel();
    this.#timer = this.#parts.clock.after(delayMs, () => void this.#beat());
  }

  #nextDelay(): number {
    if (this.#missed > 0) {
      const capMs = this.#written ? Math.min(this.#leaseMs / 10, 3_000) : retryMs;
      return backoffDelay({ baseMs: capMs / 4, capMs }, this.#missed, this.#parts.rng);
    }
    return this.#statusWanted || !this.#written ? 0 : this.#leaseMs / 3;
  }

  #failed(error: unknown): void {
    if (this.#ended) return;
    const final = error instanceof RiverError && !error.transient;
    // Right after a Conflict or a NotFound the next round takes over anew; what else is refused will stay so.
    if (final && hasCode(error, 'Unauthorized', 'Forbidden', 'Invalid', 'BadRequest')) {
      this.#end(error);
      return;
    }
    this.#missed += 1;
    this.#parts.counters.count('heartbeat_missed');
    this.#parts.logger.warn('the host does not answer', { missed: this.#missed, error: errorMessage(error) });
  }

  #end(error: RiverError): void {
    this.close();
    this.#parts.onEnded(error);
  }

  #call<T>(promise: Promise<T>): Promise<T> {
    return withDeadline(this.#parts.clock, callDeadlineMs, promise);
  }

  async #takeOver(): Promise<void> {
    const { client, node: name, labels, onHost } = this.#parts;
    onHost(await this.#call(client.version()));
    let node = await this.#getOrCreate();
    const missing = Object.entries(labels).filter(([key, value]) => node.metadata.labels?.[key] !== value);
    if (missing.length > 0) node = await this.#call(client.patch('Node', '', name, { metadata: { labels } }));
    await this.#writeStatus(node, this.#parts.status(node, this.id));
  }

  async #getOrCreate(): Promise<Node> {
    const { client, node: name, labels } = this.#parts;
    try {
      return await this.#call(client.get('Node', '', name));
    } catch (error) {
      if (!hasCode(error, 'NotFound')) throw error;
      await this.#parts.onNodeMissing();
      const metadata = { name, labels: { ...labels } };
      return this.#call(
        client.create('Node', { apiVersion: 'river.dev/v1', kind: 'Node', metadata, spec: {} }),
      );
    }
  }

  /** Only onto the version that was looked at: a late write of a dead runner must not take the Node back. */
  async #writeStatus(node: Node, status: NodeStatus): Promise<void> {
    const patch = { metadata: { resourceVersion: node.metadata.resourceVersion }, status };
    const name = node.metadata.name ?? '';
    this.#statusWanted = false;
    try {
      this.#written = await this.#call(
        this.#parts.client.patch('Node', '', name, patch, { subresource: 'status' }),
      );
    } catch (error) {
      this.#statusWanted = true;
      throw error;
    }
  }

  async #heartbeat(): Promise<void> {
    const { client, node: name, usage, counters, clock } = this.#parts;
    try {
      const heartbeat = { session: this.id, usage: await usage(), counters: counters.all() };
      const sentAt = clock.monotonic();
      const answer = await this.#call(client.heartbeat(name, heartbeat));
      if (this.#ended) return;
      this.#leaseMs = answer.leaseMs;
      const known = this.#parts.knownEpoch();
      await this.#parts.onAnswer(answer, clock.monotonic() - sentAt);
      if (known !== undefined && known !== answer.epoch) {
        this.#renew();
        return;
      }
      if (this.#statusWanted || !answer.ready) await this.#renewStatus();
    } catch (error) {
      if (hasCode(error, 'NotFound')) this.#written = undefined;
      else if (hasCode(error, 'Conflict')) await this.#afterConflict();
      throw error;
    }
  }

  /**
   * To be taken over anew, under another id: the host was restored, and what was sent to the one before may still come
   * to this one, when this runner has long begun what it then had given up.
   */
  #renew(): void {
    this.#id = this.#parts.rng.uuid();
    this.#written = undefined;
  }

  /** Compares with what the host has and writes the difference, unless somebody else has taken over. */
  async #renewStatus(): Promise<void> {
    const node = await this.#call(this.#parts.client.get('Node', '', this.#parts.node));
    if (this.#ended) return;
    if (node.status?.session !== this.id)
      throw new RiverError('Conflict', 'the Node shows another session than this one');
    const status = this.#parts.status(node, this.id);
    this.#statusWanted = false;
    if (shows(node.status, status)) this.#written = node;
    else await this.#writeStatus(node, status);
  }

  /**
   * Another session stands in the Node. After a restore of the host from a backup that is an old one of ours: take
   * over again. Else a newer runner of this name has taken over: two must never act on one machine.
   */
  async #afterConflict(): Promise<void> {
    const { client, node: name, knownEpoch } = this.#parts;
    const version = await this.#call(client.version());
    const node = await this.#call(client.get('Node', '', name));
    if (this.#ended || node.status?.session === this.id) return;
    if (version.epoch !== undefined && version.epoch !== knownEpoch()) {
      this.#renew();
      return;
    }
    this.#end(
      new RiverError(
        'Conflict',
        `another runner has taken over as node ${name}: this one stops acting. Give each machine a name of its own, and run one runner on each.`,
      ),
    );
  }
}

/** Whether the host has all of it already. Conditions are compared by type, other lists as a whole. */
function shows(found: unknown, wanted: unknown): boolean {
  if (typeof wanted !== 'object' || wanted === null) return Object.is(found, wanted);
  if (typeof found !== 'object' || found === null) return false;
  if (Array.isArray(wanted)) {
    if (!Array.isArray(found)) return false;
    const others: unknown[] = wanted.some(isTyped)
      ? wanted.map((item) =>
          found.find((other) => isTyped(other) && isTyped(item) && other.type === item.type),
        )
      : found;
    return others.length === wanted.length && wanted.every((item, index) => shows(others[index], item));
  }
  return Object.entries(wanted).every(([key, value]) =>
    shows((found as Record<string, unknown>)[key], value),
  );
}

function isTyped(item: unknown): item is { type: unknown } {
  return typeof item === 'object' && item !== null && 'type' in item;
}

import type { Node } from '../api/index.ts';
import { type Clock, timestamp } from '../base/index.ts';
import type { Heartbeat } from '../client/index.ts';

/** When nodes were last heard of, for the node controller. Kept in memory: heartbeats write nothing to the store. */
export interface Leases {
  /** Monotonic milliseconds of the last heartbeat; undefined when there was none since this process started. */
  lastSeen(node: string): number | undefined;
  /** Monotonic milliseconds: a node not heard of since has one full lease from here. */
  readonly startedAt: number;
  readonly leaseMs: number;
}

interface Beat {
  monotonicMs: number;
  wallMs: number;
  usage?: Heartbeat['usage'];
}

export class LeaseTable implements Leases {
  readonly startedAt: number;
  readonly leaseMs: number;
  readonly #clock: Clock;
  readonly #beats = new Map<string, Beat>();

  constructor(clock: Clock, leaseMs: number) {
    this.#clock = clock;
    this.leaseMs = leaseMs;
    this.startedAt = clock.monotonic();
  }

  lastSeen(node: string): number | undefined {
    return this.#beats.get(node)?.monotonicMs;
  }

  /** Without `usage` the values of the beat before stay. */
  beat(node: string, usage?: Heartbeat['usage']): void {
    const before = this.#beats.get(node);
    this.#beats.set(node, {
      monotonicMs: this.#clock.monotonic(),
      wallMs: this.#clock.now(),
      usage: usage ?? before?.usage,
    });
  }

  /** RFC 3339. */
  wallTime(): string {
    return timestamp(this.#clock.now());
  }

  forget(node: string): void {
    this.#beats.delete(node);
  }

  /** The Node as people see it: with its live values. The same object when there are none. */
  withLiveValues(node: Node): Node {
    const beat = this.#beats.get(node.metadata.name ?? '');
    if (!beat) return node;
    const live = { ...(beat.usage ? { usage: beat.usage } : {}), lastHeartbeat: timestamp(beat.wallMs) };
    return { ...node, status: { ...node.status, ...live } };
  }
}

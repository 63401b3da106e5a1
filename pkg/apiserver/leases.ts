import { isTerminal, type Node, type NodeStatus, type Run, type RunSample } from '../api/index.ts';
import { type Clock, timestamp } from '../base/index.ts';
import type { Heartbeat } from '../client/index.ts';

/** When nodes were last heard of, for the node controller. Kept in memory: heartbeats write nothing to the store. */
export interface Leases {
  /** Monotonic milliseconds of the last heartbeat; undefined when there was none since this process started. */
  lastSeen(node: string): number | undefined;
  /** Monotonic milliseconds: a node not heard of since has one full lease from here. */
  readonly startedAt: number;
  readonly leaseMs: number;
  /** What the runner of a node has counted; undefined when it has told of nothing. */
  counters(node: string): Heartbeat['counters'];
}

interface Beat {
  monotonicMs: number;
  wallMs: number;
  live?: LiveValues;
  counters?: Heartbeat['counters'];
}

interface LiveValues {
  monotonicMs: number;
  node: NonNullable<NodeStatus['usage']>;
  /** By uid. */
  runs: ReadonlyMap<string, RunSample>;
}

/** No more than any runner has: what comes from a node must not fill the memory of the host. */
const countersAtMost = 64;

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

  /** What is left out stays as the beat before had it. */
  beat(node: string, told: Pick<Heartbeat, 'usage' | 'counters'> = {}): void {
    const monotonicMs = this.#clock.monotonic();
    const before = this.#beats.get(node);
    const live = told.usage ? liveValues(told.usage, monotonicMs) : before?.live;
    const counters = told.counters ? countersOnly(told.counters) : before?.counters;
    this.#beats.set(node, { monotonicMs, wallMs: this.#clock.now(), live, counters });
  }

  counters(node: string): Heartbeat['counters'] {
    return this.#beats.get(node)?.counters;
  }

  forget(node: string): void {
    this.#beats.delete(node);
  }

  /** The Node as people see it: with its live values. The same object when there are none. */
  withLiveValues(node: Node): Node {
    const beat = this.#beats.get(node.metadata.name ?? '');
    if (!beat) return node;
    const usage = this.#current(beat)?.node;
    const live = { ...(usage ? { usage } : {}), lastHeartbeat: timestamp(beat.wallMs) };
    return { ...node, status: { ...node.status, ...live } };
  }

  /** The Run as people see it: with what it uses now. The same object when nobody knows. */
  withSample(run: Run): Run {
    const { metadata, spec, status } = run;
    const beat = this.#beats.get(spec.placement?.node ?? '');
    if (!beat || !status || isTerminal(status.phase)) return run;
    const sample = this.#current(beat)?.runs.get(metadata.uid ?? '');
    if (!sample) return run;
    const { uid: _uid, ...usage } = sample;
    return { ...run, status: { ...status, usage: { ...status.usage, ...usage } } };
  }

  /** Values of a node that is not heard of any more are not those of now. */
  #current({ live }: Beat): LiveValues | undefined {
    return live && this.#clock.monotonic() - live.monotonicMs <= this.leaseMs ? live : undefined;
  }
}

function liveValues(
  { runs = [], ...node }: NonNullable<Heartbeat['usage']>,
  monotonicMs: number,
): LiveValues {
  return { monotonicMs, node, runs: new Map(runs.map((sample) => [sample.uid, sample])) };
}

/** Another version of the runner may tell of something else: that is left out. */
function countersOnly(told: object): Record<string, number> {
  const known = Object.entries(told).filter(
    ([name, value]) => /^[a-z][a-z_]{0,39}$/.test(name) && Number.isSafeInteger(value) && value >= 0,
  );
  return Object.fromEntries(known.slice(0, countersAtMost));
}

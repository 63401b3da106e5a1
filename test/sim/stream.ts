import type { Kind } from '../../pkg/api/index.ts';
import { hasCode, RiverError } from '../../pkg/base/index.ts';
import type { WatchHandler, WatchOptions } from '../../pkg/client/index.ts';
import type { Endpoint, Link, SimNetwork } from './network.ts';
import { timeoutMs } from './network.ts';
import { wireError } from './wire.ts';
import { between, chance } from './world.ts';

/** How long it takes a runner to notice that a silent connection is dead. */
const noticeMs = 30_000;

/** One watch over the network: in order, late, and cut at any event. */
export class SimStream<T> {
  readonly #network: SimNetwork;
  readonly #link: Link;
  readonly #kind: Kind;
  readonly #handler: WatchHandler<T>;
  #inner: { close(): void } | undefined;
  #endpoint: Endpoint | undefined;
  /** Nothing that is sent from now on arrives. */
  #broken = false;
  #closed = false;
  /** When the last message arrives: the next one may not overtake it. */
  #dueMs = 0;
  readonly #forget: () => void;

  constructor(network: SimNetwork, link: Link, kind: Kind, options: WatchOptions, handler: WatchHandler<T>) {
    this.#network = network;
    this.#link = link;
    this.#kind = kind;
    this.#handler = handler;
    this.#forget = network.watchIsolation((place) => {
      if (place === link.place) this.#break('isolated', between(network.rng, 0, noticeMs));
    });
    link.owner.onEnd(() => this.close());
    if (!link.owner.alive) this.#closed = true;
    else if (chance(network.rng, network.faults.requestLoss)) this.#break('not opened', timeoutMs);
    else network.world.after(undefined, network.delay(), () => this.#open(options));
  }

  close(): void {
    this.#closed = true;
    this.#forget();
    this.#network.world.after(undefined, this.#network.delay(), () => this.#stop());
  }

  #open(options: WatchOptions): void {
    const { endpoint } = this.#network;
    if (this.#broken || this.#closed) return;
    if (!this.#network.reachable(this.#link.place)) {
      this.#break('not reachable', timeoutMs);
      return;
    }
    if (!endpoint?.incarnation.alive) {
      this.#break('refused', this.#network.delay());
      return;
    }
    this.#endpoint = endpoint;
    endpoint.incarnation.onEnd(() => this.#break('host died', between(this.#network.rng, 0, noticeMs)));
    try {
      const inner = endpoint.client(this.#link.identity).watch(this.#kind, options, {
        event: (event) => {
          const copy = this.#network.copy(event) as never;
          this.#send(() => {
            this.#network.onDelivered(this.#link, 'watch', event);
            this.#handler.event(copy);
          });
        },
        bookmark: (version) => this.#send(() => this.#handler.bookmark?.(version)),
        closed: (error) => this.#send(() => this.#end(error && wireError(error))),
      });
      if (this.#broken) inner.close();
      else this.#inner = inner;
    } catch (error) {
      this.#send(() => this.#end(wireError(error)));
    }
  }

  #send(deliver: () => void): void {
    const { world, rng, faults } = this.#network;
    if (this.#broken || !this.#endpoint?.incarnation.alive) return;
    if (chance(rng, faults.watchCut)) {
      this.#break('cut', between(rng, 0, noticeMs));
      return;
    }
    this.#dueMs = Math.max(this.#dueMs + 0.001, world.time + this.#network.delay());
    world.after(this.#link.owner, this.#dueMs - world.time, () => {
      if (!this.#closed && !this.#broken) deliver();
    });
  }

  #break(why: string, noticedAfterMs: number): void {
    if (this.#broken || this.#closed) return;
    this.#broken = true;
    this.#stop();
    const { world } = this.#network;
    world.trace(this.#link.owner.name, 'watch broken', `${this.#kind}: ${why}`);
    world.count(`network: watch broken, ${why}`);
    const lost = new RiverError('ServiceUnavailable', 'the connection to the host is lost');
    world.after(this.#link.owner, noticedAfterMs, () => this.#end(lost));
  }

  #end(error: RiverError | undefined): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#forget();
    if (hasCode(error, 'Expired')) {
      this.#network.world.trace(this.#link.owner.name, 'watch expired', this.#kind);
      this.#network.world.count('network: watch expired');
    }
    this.#handler.closed(error);
  }

  #stop(): void {
    const inner = this.#inner;
    this.#inner = undefined;
    if (this.#endpoint?.incarnation.alive) inner?.close();
  }
}

import type { Clock } from '../../base/index.ts';
import type { Tunnel } from './tunnel.ts';

/** The tunnel of each node: the newest one, and only while its key is still that of the node. */
export class Tunnels {
  readonly #keyOf: (node: string) => string | undefined;
  readonly #clock: Clock;
  readonly #byNode = new Map<string, Tunnel>();
  readonly #waiting = new Map<string, Set<() => void>>();

  constructor(keyOf: (node: string) => string | undefined, clock: Clock) {
    this.#keyOf = keyOf;
    this.#clock = clock;
  }

  get(node: string): Tunnel | undefined {
    this.recheck(node);
    return this.#byNode.get(node);
  }

  /**
   * Closes the one of a node that was removed, was revoked, or has another key since: it must not go on with what it was
   * let in with. Answers whether it did.
   */
  recheck(node: string): boolean {
    const tunnel = this.#byNode.get(node);
    if (!tunnel || this.#keyOf(node) === tunnel.proof.publicKey) return false;
    this.#byNode.delete(node);
    tunnel.close();
    return true;
  }

  /** A runner that has lost its connection is back before the host knows: the one before is closed. */
  add(tunnel: Tunnel): void {
    const { node } = tunnel.proof;
    this.#byNode.get(node)?.close();
    this.#byNode.set(node, tunnel);
    for (const wake of this.#waiting.get(node) ?? []) wake();
  }

  /** Whether it was the one of its node. */
  remove(tunnel: Tunnel): boolean {
    const { node } = tunnel.proof;
    return this.#byNode.get(node) === tunnel && this.#byNode.delete(node);
  }

  /** Whether there is one, now or within `withinMs`. */
  async wait(node: string, withinMs: number, signal?: AbortSignal): Promise<boolean> {
    if (this.get(node) || withinMs <= 0 || signal?.aborted) return this.get(node) !== undefined;
    const { promise, resolve: wake } = Promise.withResolvers<void>();
    const waiting = this.#waiting.get(node) ?? new Set();
    this.#waiting.set(node, waiting.add(wake));
    const timer = this.#clock.after(withinMs, wake, { unref: true });
    signal?.addEventListener('abort', () => wake(), { once: true });
    await promise;
    timer.cancel();
    waiting.delete(wake);
    if (waiting.size === 0) this.#waiting.delete(node);
    return this.get(node) !== undefined;
  }
}

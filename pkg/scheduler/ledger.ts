import { objectKey, type Run } from '../api/index.ts';
import {
  addCharge,
  type Charge,
  chargeFor,
  chargeOf,
  type Held,
  isCharged,
  nothingHeld,
  subtractCharge,
} from '../placement/index.ts';
import type { Placement } from './decide.ts';

interface Account {
  held: Held;
  runs: Map<string, Run>;
}

/**
 * What is taken on every node: the sums of what the cache shows, kept with every change, and what has been decided
 * and the cache does not show yet.
 */
export class Ledger {
  readonly #accounts = new Map<string, Account>();
  /** By namespace: what its Runs take up on all nodes. */
  readonly #namespaces = new Map<string, Held>();
  readonly #assumed = new Map<string, Placement & { charge: Charge; inFlight: boolean }>();

  /** Follows the cache. Answers whether something got free. */
  change(key: string, previous: Run | undefined, current: Run | undefined): boolean {
    const before = previous && isCharged(previous) ? previous : undefined;
    const after = current && isCharged(current) ? current : undefined;
    // Most changes are of phases in between: nothing moves.
    if (before?.spec.placement?.node !== after?.spec.placement?.node) {
      if (before) this.#book(key, before, -1);
      if (after) this.#book(key, after, 1);
    } else if (after) this.#accounts.get(after.spec.placement?.node ?? '')?.runs.set(key, after);
    const assumed = this.#assumed.get(key);
    if (assumed && (!current || current.spec.placement || !assumed.inFlight)) this.#assumed.delete(key);
    return before !== undefined && after === undefined;
  }

  isAssumed(key: string): boolean {
    return this.#assumed.has(key);
  }

  assume(placement: Placement): void {
    const charge = chargeFor(placement.need, placement.assignment);
    this.#assumed.set(objectKey(placement.run.metadata), { ...placement, charge, inFlight: true });
  }

  /** The API has bound it. `cached`: what the cache shows now; when that is still what was decided about, it is behind. */
  confirm(key: string, cached: Run | undefined): void {
    const assumed = this.#assumed.get(key);
    if (!assumed) return;
    assumed.inFlight = false;
    if (cached?.metadata.resourceVersion !== assumed.run.metadata.resourceVersion) this.#assumed.delete(key);
  }

  /** The API has refused it. */
  release(key: string): void {
    this.#assumed.delete(key);
  }

  on(node: string): Held {
    let held = this.#accounts.get(node)?.held ?? nothingHeld;
    for (const placement of this.#assumed.values())
      if (placement.node === node) held = addCharge(held, placement.charge);
    return held;
  }

  /** Those that the cache shows there. */
  runsOn(node: string): Run[] {
    return [...(this.#accounts.get(node)?.runs.values() ?? [])];
  }

  /** What the Runs of each namespace take up, on all nodes. */
  namespaces(): Map<string, Held> {
    const all = new Map(this.#namespaces);
    for (const { run, charge } of this.#assumed.values()) {
      const { namespace = '' } = run.metadata;
      all.set(namespace, addCharge(all.get(namespace) ?? nothingHeld, charge));
    }
    return all;
  }

  #book(key: string, run: Run, sign: 1 | -1): void {
    const node = run.spec.placement?.node ?? '';
    const { namespace = '' } = run.metadata;
    const change = sign > 0 ? addCharge : subtractCharge;
    const charge = chargeOf(run);
    const account = this.#accounts.get(node) ?? { held: nothingHeld, runs: new Map() };
    account.held = change(account.held, charge);
    if (sign > 0) account.runs.set(key, run);
    else account.runs.delete(key);
    if (account.held.runs === 0) this.#accounts.delete(node);
    else this.#accounts.set(node, account);
    const used = change(this.#namespaces.get(namespace) ?? nothingHeld, charge);
    if (used.runs === 0) this.#namespaces.delete(namespace);
    else this.#namespaces.set(namespace, used);
  }
}

import { objectKey, type Run } from '../api/index.ts';
import { addCharge, type Charge, chargeOf, isCharged, noCharge, subtractCharge } from '../topology/index.ts';
import type { Placement } from './decide.ts';

interface Account {
  charged: Charge;
  runs: number;
}

const empty: Account = { charged: noCharge, runs: 0 };

/**
 * What is taken on every node: the sums of what the cache shows, kept with every change, and what has been decided
 * and the cache does not show yet.
 */
export class Ledger {
  readonly #accounts = new Map<string, Account>();
  readonly #assumed = new Map<string, Placement & { inFlight: boolean }>();

  /** Follows the cache. Answers whether something got free. */
  change(key: string, previous: Run | undefined, current: Run | undefined): boolean {
    const before = previous && isCharged(previous) ? previous : undefined;
    const after = current && isCharged(current) ? current : undefined;
    // Most changes are of phases in between: nothing moves.
    if (before?.spec.placement?.node !== after?.spec.placement?.node) {
      if (before) this.#book(before, -1);
      if (after) this.#book(after, 1);
    }
    const assumed = this.#assumed.get(key);
    if (assumed && (!current || current.spec.placement || !assumed.inFlight)) this.#assumed.delete(key);
    return before !== undefined && after === undefined;
  }

  isAssumed(key: string): boolean {
    return this.#assumed.has(key);
  }

  assume(placement: Placement): void {
    this.#assumed.set(objectKey(placement.run.metadata), { ...placement, inFlight: true });
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

  on(node: string): Account {
    let { charged, runs } = this.#accounts.get(node) ?? empty;
    for (const placement of this.#assumed.values()) {
      if (placement.node !== node) continue;
      charged = addCharge(charged, placement.need);
      runs += 1;
    }
    return { charged, runs };
  }

  #book(run: Run, sign: 1 | -1): void {
    const node = run.spec.placement?.node ?? '';
    const account = this.#accounts.get(node) ?? empty;
    const charge = chargeOf(run);
    const charged = sign > 0 ? addCharge(account.charged, charge) : subtractCharge(account.charged, charge);
    const runs = account.runs + sign;
    if (runs === 0) this.#accounts.delete(node);
    else this.#accounts.set(node, { charged, runs });
  }
}

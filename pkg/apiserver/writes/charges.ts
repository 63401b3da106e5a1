import type { Run } from '../../api/index.ts';
import {
  addCharge,
  type Charge,
  chargeOf,
  type Held,
  isCharged,
  nothingHeld,
} from '../../placement/index.ts';
import type { StoredRecord, Transaction } from '../../store/index.ts';

/** So many Runs are remembered before it starts afresh. */
const rememberedLimit = 4096;

/**
 * What the Runs bound to a node take up, read anew in every transaction; those that have ended are not looked at.
 * Remembers only what one version of one Run is charged, which can never change, so that it is parsed once.
 */
export class ChargeReader {
  readonly #remembered = new Map<string, { version: number; charge: Charge | undefined }>();

  /** `committed`: the store's newest durable version. What is above may be undone, and its number given out again. */
  chargedOn(transaction: Transaction, node: string, committed: number): Held {
    const records = transaction.list('Run', { node, active: true });
    return records.reduce((held, record) => {
      const charge = this.#chargeOf(record, committed);
      return charge ? addCharge(held, charge) : held;
    }, nothingHeld);
  }

  #chargeOf(record: StoredRecord, committed: number): Charge | undefined {
    const key = `${record.namespace}/${record.name}`;
    const known = this.#remembered.get(key);
    if (known?.version === record.version) return known.charge;
    const run = record.object as Run;
    const charge = isCharged(run) ? chargeOf(run) : undefined;
    if (record.version > committed) return charge;
    if (this.#remembered.size >= rememberedLimit) this.#remembered.clear();
    this.#remembered.set(key, { version: record.version, charge });
    return charge;
  }
}

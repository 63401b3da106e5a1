import type { Run } from '../../api/index.ts';
import type { StoredRecord, Transaction } from '../../store/index.ts';
import { addCharge, type Charge, chargeOf, isCharged, noCharge } from '../../topology/index.ts';

/** So many Runs are remembered before it starts afresh. */
const rememberedLimit = 4096;

/**
 * What the Runs bound to a node take up, read anew in every transaction; those that have ended are not looked at.
 * Remembers only what one version of one Run is charged, which can never change, so that it is parsed once.
 */
export class ChargeReader {
  readonly #remembered = new Map<string, { version: number; charge: Charge }>();

  /** `committed`: the store's newest durable version. What is above may be undone, and its number given out again. */
  chargedOn(transaction: Transaction, node: string, committed: number): Charge {
    const records = transaction.list('Run', { node, active: true });
    return records.reduce((sum, record) => addCharge(sum, this.#chargeOf(record, committed)), noCharge);
  }

  #chargeOf(record: StoredRecord, committed: number): Charge {
    const key = `${record.namespace}/${record.name}`;
    const known = this.#remembered.get(key);
    if (known?.version === record.version) return known.charge;
    const run = record.object as Run;
    const charge = isCharged(run) ? chargeOf(run) : noCharge;
    if (record.version > committed) return charge;
    if (this.#remembered.size >= rememberedLimit) this.#remembered.clear();
    this.#remembered.set(key, { version: record.version, charge });
    return charge;
  }
}

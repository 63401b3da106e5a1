import type { Kind } from '../api/index.ts';
import type { StoredRecord } from './types.ts';

/** Characters of JSON in a list that is kept. */
const largestList = 256 * 1024;

/**
 * Short lists of all objects of a kind, each kept until something of its kind is written: every heartbeat asks for one,
 * and every cache that begins anew.
 */
export class KeptLists {
  readonly #lists = new Map<Kind, readonly StoredRecord[]>();
  readonly #writes = new Map<Kind, number>();

  /** How often something of this kind was written: a list that was begun at another count is old. */
  writes(kind: Kind): number {
    return this.#writes.get(kind) ?? 0;
  }

  /** To be called for every write once it is committed, before anybody hears of it. */
  written(kind: Kind): void {
    this.#writes.set(kind, this.writes(kind) + 1);
    this.#lists.delete(kind);
  }

  get(kind: Kind): readonly StoredRecord[] | undefined {
    return this.#lists.get(kind);
  }

  /** `writes`: the count when the list was begun. */
  keep(kind: Kind, writes: number, records: readonly StoredRecord[]): void {
    if (writes !== this.writes(kind)) return;
    const size = records.reduce((sum, { json }) => sum + json.length, 0);
    if (size <= largestList) this.#lists.set(kind, [...records]);
  }
}

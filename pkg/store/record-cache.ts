import type { Kind } from '../api/index.ts';
import { recordKey } from './record.ts';
import type { StoredRecord } from './types.ts';

/**
 * The newest committed state of the objects used last, bounded by the characters of their JSON. Filled and
 * corrected only after a commit, so that it never shows what a rollback took away.
 */
export class RecordCache {
  readonly #limit: number;
  readonly #records = new Map<string, StoredRecord>();
  #size = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get(kind: Kind, namespace: string, name: string): StoredRecord | undefined {
    const key = recordKey(kind, namespace, name);
    const record = this.#records.get(key);
    if (record) {
      // A Map iterates in order of insertion: the front is what was used longest ago.
      this.#records.delete(key);
      this.#records.set(key, record);
    }
    return record;
  }

  /** What is kept of the same version: it may have been parsed already. Says nothing about when it was used. */
  known(record: StoredRecord): StoredRecord {
    const kept = this.#records.get(recordKey(record.kind, record.namespace, record.name));
    return kept?.version === record.version ? kept : record;
  }

  set(record: StoredRecord): void {
    this.delete(record.kind, record.namespace, record.name);
    if (record.json.length > this.#limit) return;
    this.#records.set(recordKey(record.kind, record.namespace, record.name), record);
    this.#size += record.json.length;
    for (const oldest of this.#records.values()) {
      if (this.#size <= this.#limit) break;
      this.delete(oldest.kind, oldest.namespace, oldest.name);
    }
  }

  delete(kind: Kind, namespace: string, name: string): void {
    const key = recordKey(kind, namespace, name);
    const record = this.#records.get(key);
    if (!record) return;
    this.#records.delete(key);
    this.#size -= record.json.length;
  }

  clear(): void {
    this.#records.clear();
    this.#size = 0;
  }
}

import type { Kind } from '../api/index.ts';
import { recordKey } from './record.ts';
import type { StoredRecord, StoreEvent } from './types.ts';

export type CurrentReader = (kind: Kind, namespace: string, name: string) => StoredRecord | undefined;

/** The newest state with writes that are not committed yet on top of it, in memory: most reads of a transaction ask for what was just read or written. */
export class Draft {
  readonly #below: CurrentReader;
  readonly #written = new Map<string, StoredRecord | undefined>();

  constructor(below: CurrentReader) {
    this.#below = below;
  }

  get(kind: Kind, namespace: string, name: string): StoredRecord | undefined {
    const key = this.#written.size > 0 ? recordKey(kind, namespace, name) : '';
    return this.#written.has(key) ? this.#written.get(key) : this.#below(kind, namespace, name);
  }

  add({ type, record }: StoreEvent): void {
    const key = recordKey(record.kind, record.namespace, record.name);
    this.#written.set(key, type === 'DELETED' ? undefined : record);
  }
}

import type { Kind } from '../api/index.ts';
import { recordKey } from './record.ts';
import type { StoredRecord, StoreEvent } from './types.ts';

export type CurrentReader = (kind: Kind, namespace: string, name: string) => StoredRecord | undefined;

/**
 * The newest state with writes that are not committed yet on top of it, in memory: most reads of a transaction ask for
 * what was just read or written, or was not there.
 */
export class Draft {
  readonly #below: CurrentReader;
  /** Undefined: not there. */
  readonly #known = new Map<string, StoredRecord | undefined>();

  constructor(below: CurrentReader) {
    this.#below = below;
  }

  get(kind: Kind, namespace: string, name: string): StoredRecord | undefined {
    const key = this.#known.size > 0 ? recordKey(kind, namespace, name) : '';
    if (this.#known.has(key)) return this.#known.get(key);
    const found = this.#below(kind, namespace, name);
    if (!found) this.#known.set(recordKey(kind, namespace, name), undefined);
    return found;
  }

  add({ type, record }: StoreEvent): void {
    const key = recordKey(record.kind, record.namespace, record.name);
    this.#known.set(key, type === 'DELETED' ? undefined : record);
  }
}

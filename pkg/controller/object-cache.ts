interface Index<T> {
  keysOf: (object: T) => readonly string[];
  /** Index key → object keys, in the order in which they came. */
  entries: Map<string, Set<string>>;
}

/** Objects by key, and by any number of indexes that are kept with every change. */
export class ObjectCache<T> {
  readonly #objects = new Map<string, T>();
  readonly #indexes = new Map<string, Index<T>>();

  get size(): number {
    return this.#objects.size;
  }

  get(key: string): T | undefined {
    return this.#objects.get(key);
  }

  list(): T[] {
    return [...this.#objects.values()];
  }

  keys(): string[] {
    return [...this.#objects.keys()];
  }

  /** Answers what was there before; `undefined` removes. */
  set(key: string, object: T | undefined): T | undefined {
    const previous = this.#objects.get(key);
    if (object === undefined) this.#objects.delete(key);
    else this.#objects.set(key, object);
    for (const index of this.#indexes.values()) moveEntry(index, key, previous, object);
    return previous;
  }

  index(name: string, keysOf: (object: T) => readonly string[]): (indexKey: string) => T[] {
    if (!this.#indexes.has(name)) {
      const index: Index<T> = { keysOf, entries: new Map() };
      for (const [key, object] of this.#objects) moveEntry(index, key, undefined, object);
      this.#indexes.set(name, index);
    }
    return (indexKey) => {
      const keys = this.#indexes.get(name)?.entries.get(indexKey);
      return keys ? [...keys].map((key) => this.#objects.get(key) as T) : [];
    };
  }
}

function moveEntry<T>(index: Index<T>, key: string, previous: T | undefined, current: T | undefined): void {
  const before = previous === undefined ? [] : index.keysOf(previous);
  const after = current === undefined ? [] : index.keysOf(current);
  for (const indexKey of before) {
    if (after.includes(indexKey)) continue;
    const keys = index.entries.get(indexKey);
    keys?.delete(key);
    if (keys?.size === 0) index.entries.delete(indexKey);
  }
  for (const indexKey of after) {
    const keys = index.entries.get(indexKey);
    if (keys) keys.add(key);
    else index.entries.set(indexKey, new Set([key]));
  }
}

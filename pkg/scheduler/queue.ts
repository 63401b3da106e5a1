import type { Run } from '../api/index.ts';
import { addCharge, allocatable, type Charge, type Held, nothingHeld } from '../placement/index.ts';
import type { NeedClass, Snapshot } from './decide.ts';

/** How far a class has come in a round. */
interface Cursor {
  needClass: NeedClass;
  next: number;
}

/**
 * Which Run is next: of the highest priority; among these of the namespace that has the smallest share of what it has
 * most of (dominant resource fairness), what it was given in this round included; among these the oldest.
 */
export class Queue {
  readonly #cursors = new Set<Cursor>();
  readonly #used: Map<string, Held>;
  readonly #shares = new Map<string, number>();
  readonly #total: { milliCores: number; memoryBytes: number; gpus: number };
  #first: Cursor | undefined;

  constructor({ classes, namespaces, nodes }: Pick<Snapshot, 'classes' | 'namespaces' | 'nodes'>) {
    for (const needClass of classes)
      if (!needClass.held && needClass.runs.length > 0) this.#cursors.add({ needClass, next: 0 });
    this.#used = new Map(namespaces);
    this.#total = { milliCores: 1, memoryBytes: 1, gpus: 1 };
    for (const { node } of nodes) {
      const has = allocatable(node);
      this.#total.milliCores += has.milliCores;
      this.#total.memoryBytes += has.memoryBytes;
      this.#total.gpus += node.status?.gpus?.length ?? 0;
    }
  }

  first(): { needClass: NeedClass; run: Run } | undefined {
    let found: Cursor | undefined;
    for (const cursor of this.#cursors) if (!found || this.#compare(cursor, found) < 0) found = cursor;
    this.#first = found;
    return found && { needClass: found.needClass, run: head(found) };
  }

  /** The first one has a place. */
  taken(): void {
    const cursor = this.#first;
    if (!cursor) return;
    cursor.next += 1;
    if (cursor.next >= cursor.needClass.runs.length) this.#cursors.delete(cursor);
  }

  /** None of the class of the first one fits anywhere any more. */
  blocked(): void {
    if (this.#first) this.#cursors.delete(this.#first);
  }

  charge(namespace: string, charge: Charge): void {
    this.#used.set(namespace, addCharge(this.#used.get(namespace) ?? nothingHeld, charge));
    this.#shares.delete(namespace);
  }

  #compare(left: Cursor, right: Cursor): number {
    return (
      right.needClass.priority - left.needClass.priority ||
      this.#share(left.needClass.namespace) - this.#share(right.needClass.namespace) ||
      byAge(head(left), head(right))
    );
  }

  #share(namespace: string): number {
    const known = this.#shares.get(namespace);
    if (known !== undefined) return known;
    const share = this.#dominantShare(this.#used.get(namespace) ?? nothingHeld);
    this.#shares.set(namespace, share);
    return share;
  }

  #dominantShare({ milliCores, memoryBytes, gpus }: Held): number {
    let count = 0;
    for (const { exclusive, sharedBytes } of gpus.values()) count += exclusive + (sharedBytes > 0 ? 1 : 0);
    const total = this.#total;
    return Math.max(milliCores / total.milliCores, memoryBytes / total.memoryBytes, count / total.gpus);
  }
}

function head({ needClass, next }: Cursor): Run {
  return needClass.runs[next] as Run;
}

/** Older first; of the same millisecond by name. */
export function byAge(left: Run, right: Run): number {
  return (
    compareText(left.metadata.creationTimestamp ?? '', right.metadata.creationTimestamp ?? '') ||
    compareText(left.metadata.namespace ?? '', right.metadata.namespace ?? '') ||
    compareText(left.metadata.name ?? '', right.metadata.name ?? '')
  );
}

export function compareText(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}

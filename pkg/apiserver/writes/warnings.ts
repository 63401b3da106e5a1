import type { Node, Task } from '../../api/index.ts';
import type { Clock } from '../../base/index.ts';
import { outlook } from '../../placement/index.ts';
import type { Transaction } from '../../store/index.ts';
import type { Written } from './session.ts';

/** What nodes have changes seldom, and to read a thousand of them for each Task of many would cost more than to write it. */
const freshMs = 1_000;

/** Knows what nodes have, as of a moment ago: good enough for a warning, never for a decision. */
export class Warnings {
  readonly #clock: Clock;
  #read: { nodes: Node[]; at: number } | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** With what a Task asks for that no node has: nothing is wrong with it, because nodes may join, but its Runs will wait. */
  added(transaction: Transaction, written: Written): Written {
    const { object, outcome } = written;
    if (object.kind !== 'Task' || (outcome !== 'created' && outcome !== 'configured')) return written;
    if (object.metadata.deletionTimestamp) return written;
    const warnings = outlook((object as Task).spec, this.#nodes(transaction));
    return warnings.length > 0 ? { ...written, warnings } : written;
  }

  #nodes(transaction: Transaction): Node[] {
    const now = this.#clock.monotonic();
    if (!this.#read || now - this.#read.at > freshMs)
      this.#read = { nodes: transaction.list('Node').map(({ object }) => object as Node), at: now };
    return this.#read.nodes;
  }
}

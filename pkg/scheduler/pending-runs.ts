import { getCondition, objectKey, type PlacementPolicy, type Run } from '../api/index.ts';
import { type Need, runNeed } from '../placement/index.ts';
import type { NeedClass } from './decide.ts';
import type { Explanation } from './explain.ts';
import { byAge } from './queue.ts';

/** Amounts alone are told again this seldom, and only to so many Runs of a class: the oldest, which people look at. */
const refreshMs = 30_000;
const refreshedRuns = 20;

/** What the Task says now, and what its Runs do not. */
export interface Rank {
  priority: number;
  policy: PlacementPolicy;
}

interface PendingClass extends Rank {
  key: string;
  need: Need;
  namespace: string;
  held?: Explanation;
  members: Map<string, Run>;
  /** `members` by age; undefined when it has to be made anew. */
  sorted?: Run[];
  /** Members that may not say yet why they wait. */
  untold: Set<string>;
  told?: Explanation & { atMs: number };
}

/** The Runs that wait for a node, grouped by what they ask for. */
export class PendingRuns {
  readonly #classes = new Map<string, PendingClass>();
  /** Run → key of its class. */
  readonly #classOf = new Map<string, string>();

  /** `held`: why it is not to be placed, whatever is free. Runs that wait for the same thing are one class. */
  set(run: Run, rank: Rank, held?: { what: string; why: Explanation }): void {
    const key = objectKey(run.metadata);
    const need = runNeed(run);
    const { namespace = '' } = run.metadata;
    const place = [rank.priority, namespace, rank.policy, run.spec.timeout, need];
    const classKey = held ? `held: ${held.what}` : JSON.stringify(place);
    if (this.#classOf.get(key) !== classKey) {
      this.delete(key);
      this.#classOf.set(key, classKey);
      const made = {
        ...rank,
        key: classKey,
        need,
        namespace,
        members: new Map(),
        untold: new Set<string>(),
      };
      const joined = this.#classes.get(classKey) ?? made;
      this.#classes.set(classKey, joined);
      joined.untold.add(key);
    }
    const pendingClass = this.#classes.get(classKey) as PendingClass;
    pendingClass.held = held?.why;
    pendingClass.members.set(key, run);
    pendingClass.sorted = undefined;
  }

  delete(key: string): void {
    const classKey = this.#classOf.get(key);
    if (classKey === undefined) return;
    this.#classOf.delete(key);
    const pendingClass = this.#classes.get(classKey) as PendingClass;
    pendingClass.members.delete(key);
    pendingClass.untold.delete(key);
    pendingClass.sorted = undefined;
    if (pendingClass.members.size === 0) this.#classes.delete(classKey);
  }

  classes(): NeedClass[] {
    return [...this.#classes.values()].map((pendingClass) => ({
      ...pendingClass,
      runs: sortedRuns(pendingClass),
    }));
  }

  /** Members of a class that do not say this yet, at most `limit`; they count as told from now on. */
  takeUntold(classKey: string, explanation: Explanation, nowMs: number, limit: number): Run[] {
    const pendingClass = this.#classes.get(classKey);
    if (!pendingClass) return [];
    this.#markUntold(pendingClass, explanation, nowMs);
    const taken: Run[] = [];
    for (const key of pendingClass.untold) {
      if (taken.length >= limit) break;
      pendingClass.untold.delete(key);
      const run = pendingClass.members.get(key);
      if (run && !says(run, explanation)) taken.push(run);
    }
    return taken;
  }

  /** The explanation did not reach the Run: it is to be told again. */
  untell(run: Run): void {
    const key = objectKey(run.metadata);
    this.#classes.get(this.#classOf.get(key) ?? '')?.untold.add(key);
  }

  hasUntold(classKey: string): boolean {
    return (this.#classes.get(classKey)?.untold.size ?? 0) > 0;
  }

  /** Milliseconds until amounts that have changed meanwhile are to be told; undefined when what is told is true. */
  refreshIn(classKey: string, explanation: Explanation, nowMs: number): number | undefined {
    const told = this.#classes.get(classKey)?.told;
    if (!told || told.message === explanation.message) return undefined;
    return Math.max(0, told.atMs + refreshMs - nowMs);
  }

  #markUntold(pendingClass: PendingClass, explanation: Explanation, nowMs: number): void {
    const { told, members, untold } = pendingClass;
    if (told?.message === explanation.message) return;
    if (told?.signature === explanation.signature && nowMs - told.atMs < refreshMs) return;
    const isNew = told?.signature !== explanation.signature;
    const runs = sortedRuns(pendingClass).slice(0, isNew ? members.size : refreshedRuns);
    for (const run of runs) untold.add(objectKey(run.metadata));
    pendingClass.told = { ...explanation, atMs: nowMs };
  }
}

function sortedRuns(pendingClass: PendingClass): Run[] {
  pendingClass.sorted ??= [...pendingClass.members.values()].sort(byAge);
  return pendingClass.sorted;
}

function says(run: Run, { reason, message }: Explanation): boolean {
  const condition = getCondition(run.status?.conditions, 'Scheduled');
  return condition?.status === 'False' && condition.reason === reason && condition.message === message;
}

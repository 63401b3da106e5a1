import type { Node, Run } from '../api/index.ts';
import { addCharge, allocatable, type Charge, fits, type Need } from '../topology/index.ts';
import { type Explanation, explain } from './explain.ts';

/** Runs that ask for the same: one verdict is for all of them. */
export interface NeedClass {
  key: string;
  need: Need;
  /** Why they are not to be placed at all, whatever is free. */
  held?: Explanation;
  /** In the order of `byAge`. */
  runs: readonly Run[];
}

export interface NodeLoad {
  node: Node;
  /** Everything bound there, and everything that is being bound. */
  charged: Readonly<Charge>;
  /** How many Runs that is. */
  runs: number;
}

export interface Snapshot {
  classes: readonly NeedClass[];
  nodes: readonly NodeLoad[];
  /** At most so many placements: what is left waits for the next round. */
  limit: number;
}

export interface Placement {
  run: Run;
  node: string;
  need: Need;
}

export interface Decision {
  placements: Placement[];
  /** By key of the class: why what is left of it has to wait. A class that the limit has cut off is not in it. */
  blocked: Map<string, Explanation>;
}

interface Round {
  loads: NodeLoad[];
  decision: Decision;
}

/** How far a class has come in a round. */
interface Cursor {
  needClass: NeedClass;
  next: number;
}

/**
 * One round: takes the Runs by age, gives each the least loaded of the nodes that it fits on, and counts it there
 * at once. Nothing gets free within a round, so the first refusal of a class is the verdict on the rest of it: a
 * round costs what it places, not what is waiting.
 */
export function decide({ classes, nodes, limit }: Snapshot): Decision {
  const loads = [...nodes].sort((left, right) => compareText(nameOf(left.node), nameOf(right.node)));
  const round: Round = { loads, decision: { placements: [], blocked: new Map() } };
  const { placements, blocked } = round.decision;
  const cursors = new Set<Cursor>();
  for (const needClass of classes) {
    if (needClass.held) blocked.set(needClass.key, needClass.held);
    else if (needClass.runs.length > 0) cursors.add({ needClass, next: 0 });
  }
  while (cursors.size > 0 && placements.length < limit) {
    const cursor = oldest(cursors);
    if (!place(cursor, round)) cursors.delete(cursor);
  }
  return round.decision;
}

/** Older first; of the same millisecond by name. */
export function byAge(left: Run, right: Run): number {
  return (
    compareText(left.metadata.creationTimestamp ?? '', right.metadata.creationTimestamp ?? '') ||
    compareText(left.metadata.namespace ?? '', right.metadata.namespace ?? '') ||
    compareText(left.metadata.name ?? '', right.metadata.name ?? '')
  );
}

function oldest(cursors: ReadonlySet<Cursor>): Cursor {
  let found: Cursor | undefined;
  for (const cursor of cursors) if (!found || byAge(head(cursor), head(found)) < 0) found = cursor;
  return found as Cursor;
}

function head({ needClass, next }: Cursor): Run {
  return needClass.runs[next] as Run;
}

/** Answers whether there is more of this class to place. */
function place(cursor: Cursor, { loads, decision }: Round): boolean {
  const { key, need, runs } = cursor.needClass;
  const verdicts = loads.map((load) => ({ load, verdict: fits(need, load.node, load.charged) }));
  const fitting = verdicts.filter(({ verdict }) => verdict.fits).map(({ load }) => load);
  const chosen = leastLoaded(fitting);
  if (!chosen) {
    const refusals = verdicts.map(({ load, verdict }) => ({ node: nameOf(load.node), verdict }));
    decision.blocked.set(key, explain(need, refusals));
    return false;
  }
  decision.placements.push({ run: head(cursor), node: nameOf(chosen.node), need });
  loads[loads.indexOf(chosen)] = {
    node: chosen.node,
    charged: addCharge(chosen.charged, need),
    runs: chosen.runs + 1,
  };
  cursor.next += 1;
  return cursor.next < runs.length;
}

/** By the fuller of cores and memory, then by the number of Runs (some charge nothing), then by name. */
function leastLoaded(loads: readonly NodeLoad[]): NodeLoad | undefined {
  let least: NodeLoad | undefined;
  for (const load of loads) if (!least || compareLoad(load, least) < 0) least = load;
  return least;
}

function compareLoad(left: NodeLoad, right: NodeLoad): number {
  return fullness(left) - fullness(right) || left.runs - right.runs;
}

function fullness({ node, charged }: NodeLoad): number {
  const total = allocatable(node);
  return Math.max(
    charged.milliCores / Math.max(1, total.milliCores),
    charged.memoryBytes / Math.max(1, total.memoryBytes),
  );
}

function nameOf(node: Node): string {
  return node.metadata.name ?? '';
}

function compareText(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}

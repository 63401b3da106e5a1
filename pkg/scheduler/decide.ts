import { type PlacementPolicy, parseDuration, type Run } from '../api/index.ts';
import {
  type Assignment,
  addCharge,
  chargeFor,
  fits,
  type Held,
  type Need,
  type Verdict,
} from '../placement/index.ts';
import { type Explanation, explain } from './explain.ts';
import { compareText, Queue } from './queue.ts';
import { keptReason, mayPass, type Reservation, reserve } from './reserve.ts';
import { choose, type NodeLoad, nameOf } from './score.ts';

/** Runs that ask for the same in the same place of the queue: one verdict is for all of them. */
export interface NeedClass {
  key: string;
  need: Need;
  namespace: string;
  priority: number;
  policy: PlacementPolicy;
  /** Why they are not to be placed at all, whatever is free. */
  held?: Explanation;
  /** In the order of `byAge`. */
  runs: readonly Run[];
}

export interface Snapshot {
  classes: readonly NeedClass[];
  nodes: readonly NodeLoad[];
  /** At most so many placements: what is left waits for the next round. */
  limit: number;
  /** Milliseconds since the epoch. */
  nowMs: number;
  /** What the Runs of each namespace take up already. */
  namespaces: ReadonlyMap<string, Held>;
  runsOn(node: string): readonly Run[];
  /** Where roundRobin has put its last one. */
  last?: string;
}

export interface Placement {
  run: Run;
  node: string;
  need: Need;
  /** What the API will most likely give it there; it is counted as taken until the API has spoken. */
  assignment: Assignment;
}

export interface Decision {
  placements: Placement[];
  /** By key of the class: why what is left of it has to wait. A class that the limit has cut off is not in it. */
  blocked: Map<string, Explanation>;
  last?: string;
}

interface Round {
  snapshot: Snapshot;
  queue: Queue;
  /** By name of the node. */
  loads: NodeLoad[];
  verdicts: Verdicts;
  /** For the first Run in the queue that did not fit. */
  reservation?: Reservation;
  decision: Decision;
}

/**
 * One round: takes the Runs in the order of the queue, gives each the node that its policy likes best of those that it
 * fits on, and counts it there at once. Nothing gets free within a round, so the first refusal of a class is the
 * verdict on the rest of it: a round costs what it places, not what is waiting.
 */
export function decide(snapshot: Snapshot): Decision {
  const loads = [...snapshot.nodes].sort((left, right) => compareText(nameOf(left.node), nameOf(right.node)));
  const round: Round = {
    snapshot,
    queue: new Queue(snapshot),
    loads,
    verdicts: new Verdicts(),
    decision: { placements: [], blocked: new Map(), last: snapshot.last },
  };
  const { placements, blocked } = round.decision;
  for (const { key, held } of snapshot.classes) if (held) blocked.set(key, held);
  while (placements.length < snapshot.limit) {
    const next = round.queue.first();
    if (!next) break;
    if (place(next.needClass, next.run, round)) round.queue.taken();
    else round.queue.blocked();
  }
  return round.decision;
}

/** Answers whether it was placed. */
function place(needClass: NeedClass, run: Run, round: Round): boolean {
  const { loads, decision } = round;
  const chosen = choose(
    loads,
    needClass.need,
    needClass.policy,
    decision.last,
    (index) => verdictOn(needClass, index, round).fits,
  );
  if (!chosen) {
    const refusals = loads.map(({ node }, index) => ({
      node: nameOf(node),
      verdict: verdictOn(needClass, index, round),
    }));
    decision.blocked.set(needClass.key, explain(needClass.need, refusals));
    round.reservation ??= reserve({ ...round.snapshot, run, need: needClass.need, loads });
    return false;
  }
  const index = loads.indexOf(chosen);
  const verdict = verdictOn(needClass, index, round);
  const assignment = verdict.fits ? verdict.assignment : {};
  const charge = chargeFor(needClass.need, assignment);
  decision.placements.push({ run, node: nameOf(chosen.node), need: needClass.need, assignment });
  if (needClass.policy === 'roundRobin') decision.last = nameOf(chosen.node);
  loads[index] = { node: chosen.node, held: addCharge(chosen.held, charge) };
  const { reservation } = round;
  if (reservation?.node === nameOf(chosen.node))
    round.reservation = { ...reservation, heldThen: addCharge(reservation.heldThen, charge) };
  round.queue.charge(needClass.namespace, charge);
  return true;
}

function verdictOn(needClass: NeedClass, index: number, round: Round): Verdict {
  const load = round.loads[index] as NodeLoad;
  const verdict = round.verdicts.of(needClass.need, load);
  const { reservation, snapshot } = round;
  if (!verdict.fits || reservation?.node !== nameOf(load.node)) return verdict;
  const charge = chargeFor(needClass.need, verdict.assignment);
  const timeout = needClass.runs[0]?.spec.timeout;
  const timeoutMs = timeout === undefined ? undefined : parseDuration(timeout);
  if (mayPass(reservation, load, charge, timeoutMs, snapshot.nowMs)) return verdict;
  return { fits: false, reasons: [keptReason(reservation)], codes: ['Reserved'] };
}

/** What was answered in this round, as long as nothing has changed on the node. */
class Verdicts {
  readonly #known = new Map<Need, Map<string, { held: Held; verdict: Verdict }>>();

  of(need: Need, { node, held }: NodeLoad): Verdict {
    const known = this.#known.get(need) ?? new Map<string, { held: Held; verdict: Verdict }>();
    this.#known.set(need, known);
    const name = nameOf(node);
    const before = known.get(name);
    if (before?.held === held) return before.verdict;
    const verdict = fits(need, node, held);
    known.set(name, { held, verdict });
    return verdict;
  }
}

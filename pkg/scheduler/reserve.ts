import { objectKey, parseDuration, type Run } from '../api/index.ts';
import {
  addCharge,
  type Charge,
  chargeOf,
  fits,
  type Held,
  type Need,
  nothingHeld,
  subtractCharge,
} from '../placement/index.ts';
import { type NodeLoad, nameOf } from './score.ts';

/** A node that is kept for the first Run that has to wait. */
export interface Reservation {
  run: Run;
  need: Need;
  node: string;
  /** When it fits there at the latest, by the timeouts of what runs there; undefined: nobody knows. */
  atMs?: number;
  /** What will still be taken there then. */
  heldThen: Held;
}

export interface ReserveInput {
  run: Run;
  need: Need;
  loads: readonly NodeLoad[];
  /** Milliseconds since the epoch. */
  nowMs: number;
  runsOn(node: string): readonly Run[];
}

/** So many nodes are looked at, the emptiest first: a round must not become slow with what runs. */
const lookedAt = 32;
/** A Run that has waited so long gets a node to itself, also when nobody knows when that will be free. */
export const patienceMs = 300_000;

/**
 * The node on which the Run will fit first. Work that comes later may go there only if it has ended by then, or if it
 * leaves the room that the Run needs (EASY backfilling). Undefined: it fits on no node, whatever ends; or nobody knows
 * when, and it has not waited for long.
 */
export function reserve({ run, need, loads, nowMs, runsOn }: ReserveInput): Reservation | undefined {
  const able = loads
    .filter(({ node }) => fits(need, node, nothingHeld).fits)
    .sort((left, right) => left.held.milliCores - right.held.milliCores)
    .slice(0, lookedAt);
  let first: Reservation | undefined;
  for (const load of able) {
    const found = earliest(run, need, load, runsOn(nameOf(load.node)), nowMs);
    if (!first || (found.atMs ?? Number.POSITIVE_INFINITY) < (first.atMs ?? Number.POSITIVE_INFINITY))
      first = found;
  }
  if (!first || first.atMs !== undefined) return first;
  return nowMs - Date.parse(run.metadata.creationTimestamp ?? '') >= patienceMs ? first : undefined;
}

function earliest(
  run: Run,
  need: Need,
  { node, held }: NodeLoad,
  runs: readonly Run[],
  nowMs: number,
): Reservation {
  const ends = runs
    .flatMap((each) => {
      const atMs = endOf(each, nowMs);
      return atMs === undefined ? [] : [{ atMs, charge: chargeOf(each) }];
    })
    .sort((left, right) => left.atMs - right.atMs);
  let heldThen = held;
  for (const { atMs, charge } of ends) {
    heldThen = subtractCharge(heldThen, charge);
    if (fits(need, node, heldThen).fits) return { run, need, node: nameOf(node), atMs, heldThen };
  }
  return { run, need, node: nameOf(node), heldThen };
}

/** When its timeout ends it at the latest; undefined without one, and while it is paused. */
function endOf({ spec, status }: Run, nowMs: number): number | undefined {
  if (spec.timeout === undefined || status?.phase === 'Paused' || status?.phase === 'Lost') return undefined;
  const startedMs = Date.parse(status?.startedAt ?? '') || nowMs;
  return startedMs + parseDuration(spec.timeout) + (status?.pausedMs ?? 0);
}

/** Whether work that comes after the reserved Run may go to the node all the same. */
export function mayPass(
  { need, atMs, heldThen }: Reservation,
  load: NodeLoad,
  charge: Charge,
  timeoutMs: number | undefined,
  nowMs: number,
): boolean {
  if (atMs === undefined) return false;
  if (timeoutMs !== undefined && nowMs + timeoutMs <= atMs) return true;
  return fits(need, load.node, addCharge(heldThen, charge)).fits;
}

export function keptReason({ run }: Reservation): string {
  return `kept for run ${objectKey(run.metadata)}, which comes first`;
}

import type { Node, Run } from '../../api/index.ts';
import { addCharge, chargeOf, type Held, isCharged, nothingHeld } from '../charges.ts';
import { fits, lacks } from '../fits.ts';
import { runNeed } from '../need.ts';
import { type Change, smallestChange } from './change.ts';
import { type Holder, holdersOf } from './holders.ts';

export interface NodeTaken {
  node: Node;
  held: Held;
}

export interface NodeAnswer {
  node: string;
  /** None: it fits there now. */
  reasons: string[];
  holders: Holder[];
}

export interface Why {
  nodes: NodeAnswer[];
  /** Absent where it fits somewhere already, and where no change helps. */
  change?: Change;
}

/** Why a Run has no node: each node's verdict, who holds what is missing, and what would run now. Pure. */
export function whyPending(run: Run, nodes: readonly Node[], runs: readonly Run[]): Why {
  const need = runNeed(run);
  const taken = nodes.map((node) => ({ node, held: heldOn(node, runs) }));
  const answers = taken.map(({ node, held }): NodeAnswer => {
    const verdict = fits(need, node, held);
    const name = node.metadata.name ?? '';
    if (verdict.fits) return { node: name, reasons: [], holders: [] };
    // What an empty node would lack, too, nobody holds.
    const never = lacks(need, node).map(({ code }) => code);
    const missing = verdict.codes.filter((code) => !never.includes(code));
    return { node: name, reasons: verdict.reasons, holders: holdersOf(node, runs, missing) };
  });
  if (answers.some(({ reasons }) => reasons.length === 0)) return { nodes: answers };
  const change = smallestChange(need, taken);
  return { nodes: answers, ...(change && { change }) };
}

function heldOn(node: Node, runs: readonly Run[]): Held {
  return runs
    .filter((run) => isCharged(run) && run.spec.placement?.node === node.metadata.name)
    .reduce((held, run) => addCharge(held, chargeOf(run)), nothingHeld);
}

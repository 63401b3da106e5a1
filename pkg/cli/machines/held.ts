import type { Run } from '../../api/index.ts';
import type { Client } from '../../client/index.ts';
import { addCharge, chargeOf, type Held, isCharged, nothingHeld } from '../../placement/index.ts';
import { listAll } from '../following/follow.ts';

/** Runs that take up room, or wait. */
const active = 'status.phase!=Succeeded,status.phase!=Failed,status.phase!=Stopped';

/** Of all namespaces, or of one; `labels` as in `-l`. */
export async function listActiveRuns(
  client: Client,
  scope: { namespace?: string; labels?: string } = {},
): Promise<Run[]> {
  const selector = { namespace: scope.namespace, labelSelector: scope.labels, fieldSelector: active };
  return (await listAll(client, 'Run', selector)).items;
}

/** What is taken on each node by what is bound there and has not ended. */
export function heldByNode(runs: readonly Run[]): (node: string) => Held {
  const held = new Map<string, Held>();
  for (const run of runs) {
    const node = run.spec.placement?.node;
    if (node === undefined || !isCharged(run)) continue;
    held.set(node, addCharge(held.get(node) ?? nothingHeld, chargeOf(run)));
  }
  return (node) => held.get(node) ?? nothingHeld;
}

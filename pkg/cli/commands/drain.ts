import { isTerminal, objectKey, type Run } from '../../api/index.ts';
import { type Context, print, warn } from '../context.ts';
import { ExitError, Interrupted } from '../errors.ts';
import { exitCodes } from '../exit-codes.ts';
import { type Deadline, deadline, timeoutMs } from '../following/deadline.ts';
import { follow, listAll } from '../following/follow.ts';
import { shownName } from '../naming/object-args.ts';
import type { SelectedObject } from '../naming/select-objects.ts';
import { type NodeFlags, selectNodes, switchNode } from './cordon.ts';

export interface DrainFlags extends NodeFlags {
  /** A time span; 0 = no limit. */
  timeout: string;
}

/**
 * Asks for all nodes first, then waits until nothing runs there any more. What was asked for stays so when the wait
 * ends before, until `river uncordon`.
 */
export async function drain(context: Context, words: readonly string[], flags: DrainFlags): Promise<number> {
  const waitMs = timeoutMs(flags.timeout);
  const nodes = await selectNodes(context, words, flags);
  const before = new Map<SelectedObject, Run[]>();
  for (const node of nodes) {
    // Told, too, when it has ended before anybody looks again.
    before.set(node, await runsOn(context, node));
    const changed = await switchNode(context, node, { unschedulable: true, drain: true });
    if (changed) await print(context, `${shownName(node.resource, node.name)} cordoned`);
  }
  const limit = deadline(context.io.clock, waitMs, context.io.signal);
  try {
    for (const node of nodes) {
      await waitUntilEmpty(context, node, before.get(node) ?? [], limit);
      await print(context, `${shownName(node.resource, node.name)} drained`);
    }
  } finally {
    limit.cancel();
  }
  return exitCodes.ok;
}

const placedOn = ({ name }: SelectedObject) => ({ fieldSelector: `spec.placement.node=${name}` });

async function runsOn(context: Context, node: SelectedObject): Promise<Run[]> {
  const { client } = await context.connect();
  return (await listAll(client, 'Run', placedOn(node))).items;
}

async function waitUntilEmpty(
  context: Context,
  node: SelectedObject,
  before: readonly Run[],
  limit: Deadline,
): Promise<void> {
  const { client } = await context.connect();
  const seams = { clock: context.io.clock, rng: context.io.rng, signal: limit.signal };
  const left = new Map<string, Run>();
  for (const run of before) await note(context, left, false, run);
  const gone = new Set(left.keys());
  let synced = false;
  try {
    for await (const event of follow(client, 'Run', placedOn(node), seams)) {
      if (event.type === 'SYNCED') {
        synced = true;
        for (const key of gone) left.delete(key);
      } else {
        gone.delete(objectKey(event.object.metadata));
        await note(context, left, event.type === 'DELETED', event.object);
      }
      if (synced && left.size === 0) return;
    }
  } catch (error) {
    if (!(error instanceof Interrupted) || !limit.passed()) throw error;
    throw new ExitError(exitCodes.timeout, timeIsUp(node.name, [...left.values()]));
  }
}

async function note(context: Context, left: Map<string, Run>, gone: boolean, run: Run): Promise<void> {
  const key = objectKey(run.metadata);
  const phase = run.status?.phase ?? 'Pending';
  if (!gone && !isTerminal(phase) && run.spec.placement) {
    if (!left.has(key)) await warn(context, `stopping run/${run.metadata.name}`);
    left.set(key, run);
  } else if (left.delete(key)) await print(context, `run/${run.metadata.name} ${phase.toLowerCase()}`);
}

function timeIsUp(node: string, left: readonly Run[]): string {
  const names = left.slice(0, 5).map(({ metadata }) => metadata.name);
  const more = left.length > 5 ? ` and ${left.length - 5} more` : '';
  const lost = left.some(({ status }) => status?.phase === 'Lost');
  const hint = lost
    ? `; its runner is away: if the machine is dead, river node fence ${node} --yes`
    : '; it goes on without this command';
  return `node ${node} still runs ${names.join(', ')}${more}${hint}`;
}

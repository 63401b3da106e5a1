import { hasCode, RiverError } from '../../base/index.ts';
import { type Context, print } from '../context.ts';
import { UsageError } from '../errors.ts';
import { shownName } from '../naming/object-args.ts';
import { type SelectedObject, selectObjects } from '../naming/select-objects.ts';
import type { TargetFlags } from '../naming/select-tasks.ts';
import { controlManager } from './stop.ts';

export type NodeFlags = Pick<TargetFlags, 'selector' | 'all'>;

interface NodeSwitch {
  unschedulable: boolean;
  drain?: boolean;
}

/** Lets nothing new start on the nodes; what runs there goes on. */
export async function cordon(context: Context, words: readonly string[], flags: NodeFlags): Promise<number> {
  return switchAll(context, await selectNodes(context, words, flags), { unschedulable: true }, 'cordoned');
}

/** Lets Runs in again, and ends a drain. */
export async function uncordon(
  context: Context,
  words: readonly string[],
  flags: NodeFlags,
): Promise<number> {
  const nodes = await selectNodes(context, words, flags);
  return switchAll(context, nodes, { unschedulable: false, drain: false }, 'uncordoned');
}

/** Words are names of nodes: `n1`, `node/n1`. Raises UsageError for other kinds. */
export async function selectNodes(
  context: Context,
  words: readonly string[],
  flags: NodeFlags,
): Promise<SelectedObject[]> {
  if (words.length === 0 && !flags.selector && !flags.all)
    throw new UsageError('river: give names of nodes, -l SELECTOR or --all');
  const named = words.map((word) => (word.includes('/') ? word : `node/${word}`));
  const nodes = await selectObjects(context, named.length > 0 ? named : ['nodes'], flags);
  const other = nodes.find(({ resource }) => resource.kind !== 'Node');
  if (other) throw new UsageError(`river: ${shownName(other.resource, other.name)} is no node`);
  if (nodes.length === 0) throw new RiverError('NotFound', 'no node matches: nothing was changed');
  return nodes;
}

async function switchAll(
  context: Context,
  nodes: readonly SelectedObject[],
  wanted: NodeSwitch,
  done: string,
): Promise<number> {
  for (const node of nodes) {
    const changed = await switchNode(context, node, wanted);
    await print(context, `${shownName(node.resource, node.name)} ${changed ? done : 'unchanged'}`);
  }
  return 0;
}

/** Answers whether that was a change. What is false is taken away. */
export async function switchNode(
  context: Context,
  { name }: SelectedObject,
  wanted: NodeSwitch,
): Promise<boolean> {
  const { client } = await context.connect();
  const { metadata, spec } = await client.get('Node', '', name);
  const entries = Object.entries(wanted) as [keyof NodeSwitch, boolean][];
  if (entries.every(([field, value]) => (spec?.[field] ?? false) === value)) return false;
  const change = Object.fromEntries(entries.map(([field, value]) => [field, value || null]));
  const patch = { metadata: { uid: metadata.uid }, spec: change };
  try {
    await client.patch('Node', '', name, patch, { fieldManager: controlManager });
    return true;
  } catch (error) {
    if (!hasCode(error, 'NotFound')) throw error;
    throw new RiverError('NotFound', `node ${name} was deleted meanwhile`);
  }
}

import type { Node, Run } from '../../api/index.ts';
import { RiverError } from '../../base/index.ts';
import { type Connection, type Context, listNamespace, warn } from '../context.ts';
import { UsageError } from '../errors.ts';
import { exitCodes } from '../exit-codes.ts';
import { listAll } from '../following/follow.ts';
import { heldByNode, listActiveRuns } from '../machines/held.ts';
import { kindNamed, resourceOf } from '../naming/object-args.ts';
import { type TopTable, topGpus, topNodes, topRuns } from '../printers/top.ts';
import { findGpus } from './get-gpus.ts';

export interface TopFlags {
  selector?: string;
  sortBy?: string;
}

/** What is used now: of nodes, GPUs or runs. What nobody has told a moment ago is shown as unknown. */
export async function top(context: Context, words: readonly string[], flags: TopFlags): Promise<number> {
  const [what = '', ...names] = words;
  if (names.length > 0 && flags.selector) throw new UsageError('river: give names or a selector, not both');
  const connection = await context.connect();
  const table = await tableOf(context, connection, what, { names, ...flags });
  const text = table.format(flags.sortBy);
  if (table.rows.length === 0) await warn(context, `Nothing to show: no ${table.what} found.`);
  else await context.io.stdout.write(text);
  return exitCodes.ok;
}

interface Wanted extends TopFlags {
  names: readonly string[];
}

async function tableOf(
  context: Context,
  connection: Connection,
  what: string,
  wanted: Wanted,
): Promise<TopTable> {
  const { client } = connection;
  if (/^gpus?$/.test(what)) return topGpus(await findGpus(client, wanted.names, wanted.selector));
  const kind = kindNamed(what)?.kind;
  if (kind === 'Node') {
    const [nodes, runs] = await Promise.all([findNodes(connection, wanted), listActiveRuns(client)]);
    return topNodes(nodes, heldByNode(runs));
  }
  if (kind !== 'Run') throw new UsageError('river: top knows nodes, gpus and runs');
  const [runs, nodes] = await Promise.all([
    findRuns(context, connection, wanted),
    listAll(client, 'Node', {}),
  ]);
  return topRuns(runs, nodes.items, { withNamespace: context.flags.allNamespaces === true });
}

async function findNodes({ client }: Connection, { names, selector }: Wanted): Promise<Node[]> {
  if (names.length > 0) return Promise.all(names.map((name) => client.get('Node', '', name)));
  return (await listAll(client, 'Node', { labelSelector: selector })).items;
}

/** Those that are on a machine now. */
async function findRuns(
  context: Context,
  connection: Connection,
  { names, selector }: Wanted,
): Promise<Run[]> {
  const { client } = connection;
  const namespace = listNamespace(context, connection, resourceOf('runs'));
  if (names.length > 0 && namespace === undefined)
    throw new UsageError('river: names are looked up in one namespace: leave -A out');
  const active = await listActiveRuns(client, { namespace, labels: selector });
  const started = active.filter(({ status }) => ['Running', 'Paused', 'Lost'].includes(status?.phase ?? ''));
  if (names.length === 0) return started;
  const missing = names.find((name) => !started.some(({ metadata }) => metadata.name === name));
  if (missing !== undefined)
    throw new RiverError(
      'NotFound',
      `no run ${missing} is running in namespace ${namespace}: see river get runs`,
    );
  return started.filter(({ metadata }) => names.includes(metadata.name ?? ''));
}

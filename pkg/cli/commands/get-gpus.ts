import type { Client } from '../../client/index.ts';
import { type Context, warn } from '../context.ts';
import { UsageError } from '../errors.ts';
import { exitCodes } from '../exit-codes.ts';
import { listAll } from '../following/follow.ts';
import { type GpuView, gpuName, gpusOf } from '../machines/gpus.ts';
import { listActiveRuns } from '../machines/held.ts';
import { gpuTarget, namedGpus } from '../machines/named-gpus.ts';
import { gpuTable } from '../printers/gpu-table.ts';
import { formatDocument } from '../printers/objects.ts';
import type { GetFlags } from './get.ts';

/** Whether the words ask for GPUs, which are no objects: they stand in Nodes. */
export function asksForGpus([kinds = '', ...more]: readonly string[]): boolean {
  const isGpu = (word: string) => /^gpus?(\/|$)/.test(word);
  return kinds.split(',').some(isGpu) || more.some((word) => word.includes('/') && isGpu(word));
}

/** `gpus`, `gpus NODE…`, `gpu/NODE::INDEX`: one line a GPU, with its live values and who has it. */
export async function getGpus(context: Context, words: readonly string[], flags: GetFlags): Promise<number> {
  const names = namesOf(words);
  if (flags.watch || flags.fieldSelector)
    throw new UsageError('river: GPUs are no objects: get them without -w and --field-selector');
  if (names.length > 0 && flags.selector)
    throw new UsageError('river: give names of nodes or a selector of nodes, not both');
  const { client } = await context.connect();
  const gpus = await findGpus(client, names, flags.selector);
  const { stdout } = context.io;
  if (flags.output === 'yaml' || flags.output === 'json')
    await stdout.write(formatDocument(flags.output, { gpus }));
  else if (flags.output === 'name') await stdout.write(gpus.map((gpu) => `gpu/${gpuName(gpu)}\n`).join(''));
  else if (gpus.length > 0) await stdout.write(gpuTable(gpus, flags.output === 'wide'));
  else await warn(context, 'No gpus found.');
  return exitCodes.ok;
}

function namesOf([first = '', ...more]: readonly string[]): string[] {
  if (first === 'gpu' || first === 'gpus') return more;
  const pairs = [first, ...more].map((word) => /^gpus?\/(.+)$/.exec(word)?.[1]);
  if (pairs.every((name) => name !== undefined)) return pairs;
  throw new UsageError('river: get GPUs by themselves, as in "river get gpus" or "river get gpus NODE"');
}

/** `names`: of nodes, or targets; none: of all nodes with these labels. Raises NotFound for what is not there. */
export async function findGpus(
  client: Client,
  names: readonly string[],
  labels?: string,
): Promise<GpuView[]> {
  const targets = names.map(gpuTarget);
  const [nodes, runs] = await Promise.all([
    names.length > 0
      ? Promise.all([...new Set(targets.map(({ node }) => node))].map((node) => client.get('Node', '', node)))
      : listAll(client, 'Node', { labelSelector: labels }).then(({ items }) => items),
    listActiveRuns(client),
  ]);
  const gpus = gpusOf(nodes, runs);
  return names.length === 0 ? gpus : namedGpus(gpus, nodes, targets);
}

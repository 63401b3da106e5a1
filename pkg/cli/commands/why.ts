import { getCondition, objectKey, type Run } from '../../api/index.ts';
import { RiverError } from '../../base/index.ts';
import type { Client } from '../../client/index.ts';
import { whyPending } from '../../placement/index.ts';
import { type Context, print } from '../context.ts';
import { UsageError } from '../errors.ts';
import { listAll } from '../following/follow.ts';
import { runsOf } from '../following/task-runs.ts';
import { listActiveRuns } from '../machines/held.ts';
import { selectObjects } from '../naming/select-objects.ts';
import { whyText } from '../printers/why.ts';

/** Why something does not run: the verdict of each node, who holds what is missing, and what would run now. */
export async function why(context: Context, words: readonly string[]): Promise<number> {
  const { client } = await context.connect();
  const [object, ...others] = await selectObjects(context, words, {});
  if (!object || others.length > 0)
    throw new UsageError('river: name one task or run, as in river why task/hello');
  const { kind } = object.resource;
  if (kind !== 'Task' && kind !== 'Run') throw new UsageError('river: why knows tasks and runs');
  const runs =
    kind === 'Run'
      ? [await client.get('Run', object.namespace, object.name)]
      : await runsOf(client, await client.get('Task', object.namespace, object.name));
  const waiting = runs.filter((run) => (run.status?.phase ?? 'Pending') === 'Pending');
  const [first] = waiting;
  if (!first) return nothingWaits(context, object.name, runs);
  if (waiting.length > 1) await print(context, `${waiting.length} runs wait; the first of them:`);
  await context.io.stdout.write(await explain(client, first, context.io.clock.now()));
  return 0;
}

async function explain(client: Client, run: Run, nowMs: number): Promise<string> {
  const [nodes, runs] = await Promise.all([listAll(client, 'Node', {}), listActiveRuns(client)]);
  const told = getCondition(run.status?.conditions, 'Scheduled');
  return whyText({ run, told, why: whyPending(run, nodes.items, runs), nowMs });
}

async function nothingWaits(context: Context, name: string, runs: readonly Run[]): Promise<number> {
  if (runs.length === 0)
    throw new RiverError('NotFound', `${name} has no runs yet: see river describe task/${name}`);
  const shown = runs.slice(0, 10).map((run) => `${objectKey(run.metadata)} is ${run.status?.phase}`);
  await print(context, `Nothing waits for a node: ${shown.join(', ')}${runs.length > 10 ? ', …' : ''}.`);
  return 0;
}

import type { Kind } from '../../api/index.ts';
import type { Client } from '../../client/index.ts';
import { type Context, warn } from '../context.ts';
import { UsageError } from '../errors.ts';
import { listAll } from '../following/follow.ts';
import { runsOf } from '../following/task-runs.ts';
import { parseSelections } from '../naming/object-args.ts';
import { type SelectedObject, selectObjects } from '../naming/select-objects.ts';
import { describeEnvironment } from '../printers/describe-environment.ts';
import { describeNode } from '../printers/describe-node.ts';
import { describeRun } from '../printers/describe-run.ts';
import { describeTask } from '../printers/describe-task.ts';

export interface DescribeFlags {
  selector?: string;
}

/** Everything a person needs to see why an object is as it is; without names: all of the kind. */
export async function describe(
  context: Context,
  words: readonly string[],
  flags: DescribeFlags,
): Promise<number> {
  const { client } = await context.connect();
  const wholeKinds = parseSelections(words).every(({ names }) => names.length === 0);
  const objects = await selectObjects(context, words, {
    selector: flags.selector,
    all: wholeKinds && !flags.selector,
  });
  if (objects.length === 0) await warn(context, 'Nothing found.');
  for (const [index, object] of objects.entries()) {
    const text = await describeOne(client, object, context.io.clock.now());
    await context.io.stdout.write(index > 0 ? `\n\n${text}` : text);
  }
  return 0;
}

async function describeOne(
  client: Client,
  { resource, namespace, name }: SelectedObject,
  now: number,
): Promise<string> {
  if (resource.kind === 'Task') {
    const object = await client.get('Task', namespace, name);
    const [runs, events] = await Promise.all([
      runsOf(client, object),
      eventsOf(client, 'Task', object.metadata.uid),
    ]);
    return describeTask({ object, runs, events, now });
  }
  if (resource.kind === 'Run') {
    const object = await client.get('Run', namespace, name);
    return describeRun({ object, runs: [], events: await eventsOf(client, 'Run', object.metadata.uid), now });
  }
  if (resource.kind === 'Node') {
    const object = await client.get('Node', '', name);
    const [bound, events] = await Promise.all([
      listAll(client, 'Run', { fieldSelector: `spec.placement.node=${name}` }),
      eventsOf(client, 'Node', object.metadata.uid),
    ]);
    return describeNode({ object, runs: bound.items, events, now });
  }
  if (resource.kind === 'Environment') {
    const object = await client.get('Environment', '', name);
    const events = await eventsOf(client, 'Environment', object.metadata.uid);
    return describeEnvironment({ object, events, now });
  }
  throw new UsageError(
    `river: describe knows tasks, runs, nodes and environments; see "river get ${resource.plural} -o yaml"`,
  );
}

async function eventsOf(client: Client, kind: Kind, uid = '') {
  const { items } = await listAll(client, 'Event', {
    fieldSelector: `involvedObject.kind=${kind},involvedObject.uid=${uid}`,
  });
  return items;
}

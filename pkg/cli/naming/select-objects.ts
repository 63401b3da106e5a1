import { findResource, type Resource } from '../../api/index.ts';
import { type Context, listNamespace, objectNamespace } from '../context.ts';
import { UsageError } from '../errors.ts';
import { listAll } from '../following/follow.ts';
import { parseSelections, type Selection } from './object-args.ts';
import type { TargetFlags } from './select-tasks.ts';

export interface SelectedObject {
  resource: Resource;
  namespace: string;
  name: string;
}

/** The objects that words, `-f`, `-l` or `--all` name, each once. What is named need not exist. */
export async function selectObjects(
  context: Context,
  words: readonly string[],
  flags: TargetFlags,
): Promise<SelectedObject[]> {
  const ways = [flags.filename?.length, flags.selector, flags.all].filter(Boolean).length;
  if (ways > 1) throw new UsageError('river: give one of -f, -l and --all');
  if (flags.filename?.length) {
    if (words.length > 0) throw new UsageError('river: give names or -f, not both');
    return fromFiles(context, flags);
  }
  const selections = parseSelections(words);
  if (selections.some(({ names }) => names.length === 0) && ways === 0) {
    throw new UsageError('river: give names, -l SELECTOR or --all');
  }
  if (selections.some(({ names }) => names.length > 0) && ways > 0) {
    throw new UsageError('river: give names or a selector, not both');
  }
  const found = await Promise.all(selections.map((selection) => expand(context, selection, flags)));
  return unique(found.flat());
}

async function fromFiles(context: Context, flags: TargetFlags): Promise<SelectedObject[]> {
  const { inNamespace, readManifests } = await import('../sending/manifests.ts');
  const read = await readManifests(context, flags.filename ?? [], flags.recursive === true);
  const manifests = inNamespace(read, context.flags.namespace, (await context.connect()).namespace);
  return unique(
    manifests.map(({ object }) => {
      const resource = findResource(object.kind);
      if (!resource) throw new UsageError(`river: there is no kind ${object.kind}`);
      return { resource, namespace: object.metadata.namespace ?? '', name: object.metadata.name ?? '' };
    }),
  );
}

async function expand(
  context: Context,
  { resource, names }: Selection,
  flags: TargetFlags,
): Promise<SelectedObject[]> {
  const connection = await context.connect();
  if (names.length > 0) {
    const namespace = objectNamespace(context, connection, resource);
    return names.map((name) => ({ resource, namespace, name }));
  }
  const selector = { namespace: listNamespace(context, connection, resource), labelSelector: flags.selector };
  const { items } = await listAll(connection.client, resource.kind, selector);
  return items.map(({ metadata }) => ({
    resource,
    namespace: metadata.namespace ?? '',
    name: metadata.name ?? '',
  }));
}

function unique(objects: readonly SelectedObject[]): SelectedObject[] {
  const byKey = new Map(
    objects.map((each) => [`${each.resource.kind}/${each.namespace}/${each.name}`, each]),
  );
  return [...byKey.values()];
}

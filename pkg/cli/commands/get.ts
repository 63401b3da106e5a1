import type { ApiObject, Column, Resource } from '../../api/index.ts';
import { hasCode } from '../../base/index.ts';
import { type Connection, type Context, listNamespace, objectNamespace, warn } from '../context.ts';
import { describeError, exitCodeOf, UsageError } from '../errors.ts';
import { exitCodes } from '../exit-codes.ts';
import { follow, listAll } from '../following/follow.ts';
import { mayColour } from '../io.ts';
import { heldByNode, listActiveRuns } from '../machines/held.ts';
import { parseSelections, type Selection } from '../naming/object-args.ts';
import { heldColumns } from '../printers/node-columns.ts';
import {
  documentPrinter,
  formatObjects,
  namePrinter,
  type ObjectPrinter,
  type OutputFormat,
  type TableOptions,
  TablePrinter,
  withoutManagedFields,
} from '../printers/objects.ts';
import { asksForGpus, getGpus } from './get-gpus.ts';

export interface GetFlags {
  output?: OutputFormat;
  selector?: string;
  fieldSelector?: string;
  watch?: boolean;
}

export async function get(context: Context, words: readonly string[], flags: GetFlags): Promise<number> {
  if (asksForGpus(words)) return getGpus(context, words, flags);
  const selections = parseSelections(words);
  const named = selections.some(({ names }) => names.length > 0);
  if (named && (flags.selector || flags.fieldSelector))
    throw new UsageError('river: give names or a selector, not both');
  if (named && context.flags.allNamespaces)
    throw new UsageError('river: names are looked up in one namespace: leave -A out');
  if (flags.watch) return watch(context, selections, flags);
  return flags.output === 'yaml' || flags.output === 'json'
    ? getDocuments(context, selections, flags, flags.output)
    : getTables(context, selections, flags);
}

interface Found {
  objects: ApiObject[];
  /** One for each name that is not there; the others are shown all the same. */
  failures: unknown[];
}

async function find(
  context: Context,
  connection: Connection,
  { resource, names }: Selection,
  flags: GetFlags,
): Promise<Found> {
  if (names.length === 0) {
    const selector = {
      namespace: listNamespace(context, connection, resource),
      labelSelector: flags.selector,
      fieldSelector: flags.fieldSelector,
    };
    return { objects: (await listAll(connection.client, resource.kind, selector)).items, failures: [] };
  }
  const namespace = objectNamespace(context, connection, resource);
  const answers = await Promise.allSettled(
    names.map((name) => connection.client.get(resource.kind, namespace, name)),
  );
  const failures = answers.flatMap((answer) => (answer.status === 'rejected' ? [answer.reason] : []));
  const serious = failures.find((failure) => !hasCode(failure, 'NotFound'));
  if (serious) throw serious;
  return {
    objects: answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : [])),
    failures,
  };
}

async function getTables(
  context: Context,
  selections: readonly Selection[],
  flags: GetFlags,
): Promise<number> {
  const connection = await context.connect();
  let printed = 0;
  const failures: unknown[] = [];
  for (const selection of selections) {
    const found = await find(context, connection, selection, flags);
    failures.push(...found.failures);
    if (found.objects.length === 0) continue;
    const print = printerFor(context, connection, selection.resource, flags, selections.length > 1);
    const text = await print(found.objects);
    await context.io.stdout.write((printed++ > 0 && flags.output !== 'name' ? '\n' : '') + text);
  }
  if (printed === 0 && failures.length === 0) await sayNothingFound(context, connection, selections);
  return report(context, failures);
}

async function getDocuments(
  context: Context,
  selections: readonly Selection[],
  flags: GetFlags,
  format: 'yaml' | 'json',
): Promise<number> {
  const connection = await context.connect();
  const found = await Promise.all(selections.map((selection) => find(context, connection, selection, flags)));
  const objects = found.flatMap((each) => each.objects).map(withoutManagedFields);
  const single = selections.length === 1 && selections[0]?.names.length === 1;
  if (!single || objects.length > 0) await context.io.stdout.write(formatObjects(format, objects, single));
  return report(
    context,
    found.flatMap((each) => each.failures),
  );
}

/** What is there, then a row or document for every change, until Ctrl-C. */
async function watch(context: Context, selections: readonly Selection[], flags: GetFlags): Promise<number> {
  const [selection, ...more] = selections;
  if (!selection || more.length > 0 || selection.names.length > 1) {
    throw new UsageError('river: -w watches one kind or one object');
  }
  const connection = await context.connect();
  const { resource, names } = selection;
  const [name] = names;
  if (name) await connection.client.get(resource.kind, objectNamespace(context, connection, resource), name);
  const selector = {
    namespace: listNamespace(context, connection, resource),
    labelSelector: flags.selector,
    fieldSelector: name ? `metadata.name=${name}` : flags.fieldSelector,
  };
  const print = printerFor(context, connection, resource, flags, false);
  let first: ApiObject[] | undefined = [];
  for await (const event of follow(connection.client, resource.kind, selector, context.io)) {
    if (event.type === 'SYNCED') {
      if (first?.length) await context.io.stdout.write(await print(first));
      else await sayNothingFound(context, connection, selections, ' yet; every change will be shown');
      first = undefined;
    } else if (first) first.push(event.object);
    else await context.io.stdout.write(await print([event.object]));
  }
  return exitCodes.ok;
}

type Print = (objects: readonly ApiObject[]) => Promise<string>;

function printerFor(
  context: Context,
  { client }: Connection,
  resource: Resource,
  flags: GetFlags,
  withKind: boolean,
): Print {
  const wide = flags.output === 'wide';
  let heldOn = heldByNode([]);
  const more = wide && resource.kind === 'Node' ? heldColumns((node) => heldOn(node)) : undefined;
  const printer = objectPrinter(context, resource, flags, {
    ...{ wide, withKind },
    ...(more ? { more: more as readonly Column<ApiObject>[] } : {}),
  });
  return async (objects) => {
    if (more) heldOn = heldByNode(await listActiveRuns(client));
    return printer.print(objects);
  };
}

function objectPrinter(
  context: Context,
  resource: Resource,
  { output }: GetFlags,
  columns: Pick<TableOptions, 'wide' | 'withKind' | 'more'>,
): ObjectPrinter {
  if (output === 'name') return namePrinter;
  if (output === 'yaml' || output === 'json') {
    const printer = documentPrinter[output];
    return { print: (objects) => printer.print(objects.map(withoutManagedFields)) };
  }
  return new TablePrinter(resource, {
    ...columns,
    withNamespace: resource.namespaced && context.flags.allNamespaces === true,
    colour: mayColour(context.io, context.io.stdout),
    now: () => context.io.clock.now(),
  });
}

async function sayNothingFound(
  context: Context,
  connection: Connection,
  selections: readonly Selection[],
  more = '',
): Promise<void> {
  const kinds = selections.map(({ resource }) => resource.plural).join(', ');
  const scope = selections.every(({ resource }) => listNamespace(context, connection, resource) === undefined)
    ? ''
    : ` in namespace ${context.flags.namespace ?? connection.namespace}`;
  await warn(context, `No ${kinds} found${scope}${more}.`);
}

async function report(context: Context, failures: readonly unknown[]): Promise<number> {
  for (const failure of failures) await warn(context, describeError(failure));
  return failures.length > 0 ? exitCodeOf(failures[0]) : exitCodes.ok;
}

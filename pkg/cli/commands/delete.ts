import { type ApiObject, type Environment, getCondition } from '../../api/index.ts';
import { hasCode, RiverError } from '../../base/index.ts';
import type { Client } from '../../client/index.ts';
import { type Context, print, warn } from '../context.ts';
import { describeError, ExitError, exitCodeOf, Interrupted } from '../errors.ts';
import { exitCodes } from '../exit-codes.ts';
import { type Deadline, deadline, timeoutMs } from '../following/deadline.ts';
import { followObject } from '../following/follow.ts';
import { shownName } from '../naming/object-args.ts';
import { type SelectedObject, selectObjects } from '../naming/select-objects.ts';
import type { TargetFlags } from '../naming/select-tasks.ts';

export interface DeleteFlags extends TargetFlags {
  wait: boolean;
  /** A time span; 0 = no limit. */
  timeout: string;
  ignoreNotFound?: boolean;
}

interface Deleting extends SelectedObject {
  uid: string;
  /** The host has removed it at once: there is nothing to wait for. */
  gone: boolean;
}

/** Asks for all of them first, so that their runs end together, and waits then. */
export async function deleteObjects(
  context: Context,
  words: readonly string[],
  flags: DeleteFlags,
): Promise<number> {
  const waitMs = timeoutMs(flags.timeout);
  const { client } = await context.connect();
  const selected = await selectObjects(context, words, flags);
  if (selected.length === 0) await warn(context, 'river: nothing matches; nothing was deleted');
  const asked: Deleting[] = [];
  let exitCode: number = exitCodes.ok;
  for (const object of selected) {
    const deleting = await askFor(client, object);
    if (deleting instanceof RiverError) {
      if (flags.ignoreNotFound) continue;
      await warn(context, describeError(deleting));
      exitCode = exitCodeOf(deleting);
      continue;
    }
    asked.push(deleting);
    if (!flags.wait)
      await print(
        context,
        `${shownName(object.resource, object.name)} ${deleting.gone ? 'deleted' : 'deletion started'}`,
      );
  }
  if (flags.wait) await waitForAll(context, asked, waitMs);
  return exitCode;
}

/** An object that is not there is told, and keeps nobody from deleting the others. */
async function askFor(client: Client, object: SelectedObject): Promise<Deleting | RiverError> {
  try {
    const answer = await client.delete(object.resource.kind, object.namespace, object.name);
    const { uid = '', finalizers = [] } = answer.metadata;
    return { ...object, uid, gone: finalizers.length === 0 };
  } catch (error) {
    if (hasCode(error, 'NotFound')) return error;
    throw error;
  }
}

async function waitForAll(context: Context, asked: readonly Deleting[], waitMs: number): Promise<void> {
  const limit = deadline(context.io.clock, waitMs, context.io.signal);
  try {
    for (const object of asked) {
      if (!object.gone) await waitUntilGone(context, object, limit);
      await print(context, `${shownName(object.resource, object.name)} deleted`);
    }
  } finally {
    limit.cancel();
  }
}

async function waitUntilGone(context: Context, object: Deleting, limit: Deadline): Promise<void> {
  const { client } = await context.connect();
  const shown = shownName(object.resource, object.name);
  let told = false;
  let toldHolder = '';
  try {
    const seams = { clock: context.io.clock, rng: context.io.rng, signal: limit.signal };
    for await (const state of followObject(
      client,
      object.resource.kind,
      object.namespace,
      object.name,
      seams,
    )) {
      if (!state || state.metadata.uid !== object.uid) return;
      if (!told && context.io.stderr.isTerminal)
        await warn(context, `${shown}: waiting until nothing of it runs any more`);
      told = true;
      const holder = holderOf(state);
      if (holder === undefined || holder === toldHolder) continue;
      toldHolder = holder;
      await warn(context, `${shown}: ${holder}`);
    }
  } catch (error) {
    if (!(error instanceof Interrupted) || !limit.passed()) throw error;
    const why = object.resource.kind === 'Environment' ? '' : '; its node may be away';
    throw new ExitError(
      exitCodes.timeout,
      `${shown} is still being deleted${why}: see "river describe ${object.resource.singular}/${object.name}"`,
    );
  }
}

/** What keeps an environment from going, which may need a person. */
function holderOf(object: ApiObject): string | undefined {
  if (object.kind !== 'Environment') return undefined;
  const ready = getCondition((object as Environment).status?.conditions, 'Ready');
  return ready?.reason === 'InUse' ? ready.message : undefined;
}

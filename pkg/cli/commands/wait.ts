import type { ApiObject } from '../../api/index.ts';
import { RiverError } from '../../base/index.ts';
import { type Context, print } from '../context.ts';
import { ExitError, Interrupted } from '../errors.ts';
import { exitCodes } from '../exit-codes.ts';
import { type Deadline, deadline, timeoutMs } from '../following/deadline.ts';
import { followObject } from '../following/follow.ts';
import { ProgressBar } from '../following/progress-bar.ts';
import { parseWaitFor, type WaitFor } from '../following/wait-for.ts';
import { shownName } from '../naming/object-args.ts';
import { type SelectedObject, selectObjects } from '../naming/select-objects.ts';

export interface WaitFlags {
  for: string;
  selector?: string;
  all?: boolean;
  /** A time span; 0 = no limit. */
  timeout: string;
}

/** Ends when every one of the objects is as asked; fails at once when one of them never can be. */
export async function wait(context: Context, words: readonly string[], flags: WaitFlags): Promise<number> {
  const condition = parseWaitFor(flags.for);
  const objects = await selectObjects(context, words, { selector: flags.selector, all: flags.all });
  if (objects.length === 0) throw new RiverError('NotFound', 'nothing matches: there is nothing to wait for');
  const limit = deadline(context.io.clock, timeoutMs(flags.timeout), context.io.signal);
  const bar = new ProgressBar(context.io);
  try {
    await Promise.all(objects.map((object) => waitForOne(context, object, condition, { limit, bar })));
  } finally {
    limit.cancel();
    await bar.clear();
  }
  return exitCodes.ok;
}

async function waitForOne(
  context: Context,
  object: SelectedObject,
  condition: WaitFor,
  { limit, bar }: { limit: Deadline; bar: ProgressBar },
): Promise<void> {
  const shown = shownName(object.resource, object.name);
  const { client } = await context.connect();
  const seams = { clock: context.io.clock, rng: context.io.rng, signal: limit.signal };
  let last: ApiObject | undefined;
  try {
    for await (const state of followObject(
      client,
      object.resource.kind,
      object.namespace,
      object.name,
      seams,
    )) {
      if (!state && !condition.metByAbsence) {
        throw new RiverError('NotFound', last ? `${shown} was deleted` : `${shown} does not exist`);
      }
      if (!state || condition.met(state)) {
        await bar.clear();
        return await print(context, `${shown} ${condition.outcome}`);
      }
      const never = condition.impossible(state);
      if (never) throw new ExitError(exitCodes.failed, `${shown} ${never}`);
      bar.object(shown, state);
      last = state;
    }
  } catch (error) {
    if (!(error instanceof Interrupted) || !limit.passed()) throw error;
    throw new ExitError(exitCodes.timeout, `${shown}: time is up before ${condition.wanted}`);
  }
}

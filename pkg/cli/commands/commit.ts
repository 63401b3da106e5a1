import { type Environment, getCondition, resources } from '../../api/index.ts';
import { RiverError } from '../../base/index.ts';
import { type Context, print, warn } from '../context.ts';
import { ExitError, Interrupted } from '../errors.ts';
import { exitCodes } from '../exit-codes.ts';
import { deadline, timeoutMs } from '../following/deadline.ts';
import { followObject } from '../following/follow.ts';
import { environmentName, shownName } from '../naming/object-args.ts';

export interface DiscardFlags {
  /** A time span; 0 = no limit. */
  timeout: string;
}

export interface CommitFlags extends DiscardFlags {
  message?: string;
}

/** Prints the new digest when its tarball is there. Ctrl-C ends only the wait. */
export async function commit(
  context: Context,
  words: readonly string[],
  { message, timeout }: CommitFlags,
): Promise<number> {
  const name = environmentName(words, 'river commit env/py -m "with numpy"');
  const waitMs = timeoutMs(timeout);
  const { client } = await context.connect();
  const asked = await client.commit(name, message);
  const id = asked.status?.request?.id;
  const { status } = await whenDone(context, name, id, waitMs);
  const made = status?.history?.find((entry) => entry.commit?.id === id);
  if (!made) throw new ExitError(exitCodes.failed, `${shown(name)}: ${whyNot(status)}`);
  await print(context, `${shown(name)} committed as ${made.digest}`);
  return exitCodes.ok;
}

/** The next one is made from the digest that is in use. */
export async function discard(
  context: Context,
  words: readonly string[],
  { timeout }: DiscardFlags,
): Promise<number> {
  const name = environmentName(words, 'river discard env/py');
  const waitMs = timeoutMs(timeout);
  const { client } = await context.connect();
  const asked = await client.discard(name);
  await whenDone(context, name, asked.status?.request?.id, waitMs);
  await print(context, `${shown(name)} discarded what was not committed`);
  return exitCodes.ok;
}

const shown = (name: string) => shownName(resources.Environment, name);

function whyNot(status: Environment['status']): string {
  return getCondition(status?.conditions, 'Committed')?.message ?? 'it was not committed';
}

async function whenDone(
  context: Context,
  name: string,
  id: string | undefined,
  waitMs: number,
): Promise<Environment> {
  const { client } = await context.connect();
  const { clock, rng, signal } = context.io;
  const limit = deadline(clock, waitMs, signal);
  let told = '';
  try {
    for await (const state of followObject(client, 'Environment', '', name, {
      clock,
      rng,
      signal: limit.signal,
    })) {
      if (!state) throw new RiverError('NotFound', `${shown(name)} was deleted`);
      if (state.status?.request?.id !== id) return state;
      const waits = getCondition(state.status?.conditions, 'Committed');
      if (waits?.reason !== 'WillRetry' || waits.message === told) continue;
      told = waits.message ?? '';
      await warn(context, `${shown(name)}: it is tried again until it can be done: ${told}`);
    }
  } catch (error) {
    if (!(error instanceof Interrupted) || !limit.passed()) throw error;
    throw new ExitError(
      exitCodes.timeout,
      `${shown(name)}: time is up; river describe env/${name} shows how it goes on`,
    );
  } finally {
    limit.cancel();
  }
  throw new Interrupted();
}

import { type Environment, resources } from '../../api/index.ts';
import { type Context, print } from '../context.ts';
import { ExitError } from '../errors.ts';
import { exitCodes } from '../exit-codes.ts';
import { environmentName, shownName } from '../object-args.ts';

export interface RollbackFlags {
  to: string;
}

/** Puts a digest of before in use again; what is meant is said by its first digits. */
export async function rollback(
  context: Context,
  words: readonly string[],
  { to }: RollbackFlags,
): Promise<number> {
  const name = environmentName(words, 'river rollback env/py --to 0123456789ab');
  const { client } = await context.connect();
  const digest = digestOf(await client.get('Environment', '', name), to);
  await client.rollBack(name, digest);
  await print(context, `${shownName(resources.Environment, name)} rolled back to ${digest}`);
  return exitCodes.ok;
}

function digestOf({ metadata, status }: Environment, to: string): string {
  const kept = (status?.history ?? []).map(({ digest }) => digest);
  const digits = to.replace(/^sha256:/, '');
  const found = kept.filter((digest) => digits !== '' && digest.startsWith(`sha256:${digits}`));
  if (found.length === 1) return found[0] as string;
  const list = kept.map((digest) => digest.slice(7, 19)).join(', ') || 'none';
  const problem = found.length > 1 ? 'several digests that begin with' : 'no digest';
  throw new ExitError(
    exitCodes.failed,
    `river: environment ${metadata.name} has ${problem} ${to}; kept are ${list}; nothing was changed`,
  );
}

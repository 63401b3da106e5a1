import { resources } from '../../api/index.ts';
import { type Context, print } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import { keptDigest } from '../naming/kept-digest.ts';
import { environmentName, shownName } from '../naming/object-args.ts';

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
  const digest = keptDigest(await client.get('Environment', '', name), to);
  await client.rollBack(name, digest);
  await print(context, `${shownName(resources.Environment, name)} rolled back to ${digest}`);
  return exitCodes.ok;
}

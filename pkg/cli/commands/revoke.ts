import { type Context, print } from '../context.ts';
import { ExitError } from '../errors.ts';
import { exitCodes } from '../exit-codes.ts';

export interface RevokeFlags {
  yes?: boolean;
}

/** Shuts a machine out: its key counts no more. Without `yes` only says what that would do. */
export async function revoke(context: Context, name: string, { yes }: RevokeFlags): Promise<number> {
  const { client } = await context.connect();
  if (!yes) {
    const message = `this shuts machine ${name} out: its key counts no more, its runner ends, what runs there goes on unseen until the machine joins again; repeat with --yes; nothing was changed`;
    throw new ExitError(exitCodes.failed, message);
  }
  await client.revokeNode(name);
  await print(context, `node.river.dev/${name} revoked`);
  return exitCodes.ok;
}

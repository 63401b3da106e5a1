import { type Context, print, warn } from '../context.ts';
import { spanOf } from '../following/deadline.ts';

export interface TokenFlags {
  node: string;
  expires?: string;
  replace?: boolean;
}

/** Standard output is the token alone, for scripts; what to do with it is for people. */
export async function createToken(context: Context, { node, expires, replace }: TokenFlags): Promise<number> {
  if (expires !== undefined) spanOf('--expires', expires);
  const { client, server } = await context.connect();
  const { token, expiresAt } = await client.createJoinToken(node, { expires, replace });
  // The address of this config is often a loopback one: of no use there.
  const port = new URL(server).port || '443';
  await print(context, token);
  await warn(
    context,
    `For one machine, until ${expiresAt}. On it: river-runner join https://HOST:${port} TOKEN, with the name under which it reaches this host`,
  );
  return 0;
}

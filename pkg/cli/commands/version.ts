import { type Context, print } from '../context.ts';

export interface VersionFlags {
  client?: boolean;
}

export async function version(context: Context, flags: VersionFlags): Promise<number> {
  await print(context, `Client Version: v${context.version}+river`);
  if (flags.client) return 0;
  const { client } = await context.connect();
  await print(context, `Server Version: ${(await client.version()).gitVersion}`);
  return 0;
}

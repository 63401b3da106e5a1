import { type Context, print } from '../context.ts';

export interface VersionFlags {
  client?: boolean;
}

export async function version(context: Context, flags: VersionFlags): Promise<number> {
  await print(context, `Client Version: v${context.version}+river`);
  if (flags.client) return 0;
  const { client } = await context.connect();
  const { gitVersion, warnings = [] } = await client.version();
  await print(context, `Server Version: ${gitVersion}`);
  for (const warning of warnings) await print(context, `Warning: ${warning}`);
  return 0;
}

import { isConditionTrue, isTerminal, type Run } from '../../api/index.ts';
import { timestamp } from '../../base/index.ts';
import { type Context, print } from '../context.ts';
import { ExitError } from '../errors.ts';
import { exitCodes } from '../exit-codes.ts';
import { listAll } from '../following/follow.ts';
import { controlManager } from './stop.ts';

export interface FenceFlags {
  yes?: boolean;
}

/** Declares a machine dead. Without `yes` only says what that would do. */
export async function fence(context: Context, name: string, { yes }: FenceFlags): Promise<number> {
  const { client } = await context.connect();
  const node = await client.get('Node', '', name);
  if (node.spec?.fencedAt !== undefined) {
    await print(context, `node.river.dev/${name} unchanged: fenced at ${node.spec.fencedAt}`);
    return exitCodes.ok;
  }
  const { items } = await listAll(client, 'Run', { fieldSelector: `spec.placement.node=${name}` });
  const left = items.filter(({ status }) => !isTerminal(status?.phase ?? 'Pending'));
  // The host refuses it: its sentence is the better one.
  if (!yes && !isConditionTrue(node.status?.conditions, 'Ready'))
    throw new ExitError(exitCodes.failed, warning(name, left));
  const { uid, resourceVersion } = node.metadata;
  const spec = { fencedAt: timestamp(context.io.clock.now()) };
  await client.patch(
    'Node',
    '',
    name,
    { metadata: { uid, resourceVersion }, spec },
    { fieldManager: controlManager, dryRun: !yes },
  );
  await print(context, `node.river.dev/${name} fenced${told(left)}`);
  return exitCodes.ok;
}

function told(left: readonly Run[]): string {
  if (left.length === 0) return '';
  return `; ${left.length === 1 ? '1 run fails' : `${left.length} runs fail`} with reason Fenced`;
}

function warning(name: string, left: readonly Run[]): string {
  const runs = left.length === 1 ? 'its 1 run' : `its ${left.length} runs`;
  const names = left.slice(0, 5).map(({ metadata }) => metadata.name);
  const listed = left.length > 0 ? ` (${names.join(', ')}${left.length > 5 ? ', …' : ''})` : '';
  return `this says that machine ${name} is dead: ${runs}${listed} would fail with reason Fenced and may be started elsewhere. Where it still works behind a cut network, programs would run twice: switch it off first, then repeat with --yes; nothing was changed`;
}

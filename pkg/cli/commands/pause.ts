import { type Context, print } from '../context.ts';
import { shownName } from '../naming/object-args.ts';
import { selectTasks, type TargetFlags } from '../naming/select-tasks.ts';
import { controlManager } from './stop.ts';

/** Sets spec.suspend: what runs of the tasks is frozen, and nothing is started. */
export function pause(context: Context, words: readonly string[], flags: TargetFlags): Promise<number> {
  return setSuspend(context, words, flags, true);
}

/** Lets what was frozen go on, also what a manifest has suspended. */
export function resume(context: Context, words: readonly string[], flags: TargetFlags): Promise<number> {
  return setSuspend(context, words, flags, false);
}

async function setSuspend(
  context: Context,
  words: readonly string[],
  flags: TargetFlags,
  suspend: boolean,
): Promise<number> {
  const { client } = await context.connect();
  for (const task of await selectTasks(context, words, flags)) {
    const shown = shownName(task.resource, task.name);
    if (task.suspended === suspend) {
      await print(context, `${shown} unchanged`);
      continue;
    }
    const patch = { metadata: { uid: task.uid }, spec: { suspend } };
    await client.patch('Task', task.namespace, task.name, patch, { fieldManager: controlManager });
    await print(context, `${shown} ${suspend ? 'paused' : 'resumed'}`);
  }
  return 0;
}

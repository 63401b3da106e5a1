import { type Context, print } from '../context.ts';
import { shownName } from '../naming/object-args.ts';
import { selectTasks, type TargetFlags } from '../naming/select-tasks.ts';

/** Sets spec.stopped: the host stops every run of the tasks and starts none until they are run again. */
export async function stop(context: Context, words: readonly string[], flags: TargetFlags): Promise<number> {
  const { client } = await context.connect();
  for (const task of await selectTasks(context, words, flags)) {
    if (task.stopped) {
      await print(context, `${shownName(task.resource, task.name)} unchanged`);
      continue;
    }
    const patch = { metadata: { uid: task.uid }, spec: { stopped: true } };
    await client.patch('Task', task.namespace, task.name, patch, { fieldManager: controlManager });
    await print(context, `${shownName(task.resource, task.name)} stopped`);
  }
  return 0;
}

/** Owner of the fields that pause, resume, stop and rerun set: a manifest that names them too meets a conflict that says so. */
export const controlManager = 'river-control';

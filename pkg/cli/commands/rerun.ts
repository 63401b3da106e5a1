import { timestamp } from '../../base/index.ts';
import { type Context, print } from '../context.ts';
import { shownName } from '../naming/object-args.ts';
import { selectTasks, type TargetFlags } from '../naming/select-tasks.ts';
import { controlManager } from './stop.ts';

/** Gives spec.rerun a new value: every run of the tasks is made again. A stopped task is no longer stopped. */
export async function rerun(context: Context, words: readonly string[], flags: TargetFlags): Promise<number> {
  const { client } = await context.connect();
  const tasks = await selectTasks(context, words, flags);
  const value = timestamp(context.io.clock.now());
  for (const task of tasks) {
    const spec = task.stopped ? { rerun: value, stopped: false } : { rerun: value };
    await client.patch(
      'Task',
      task.namespace,
      task.name,
      { metadata: { uid: task.uid }, spec },
      { fieldManager: controlManager },
    );
    await print(context, `${shownName(task.resource, task.name)} rerun`);
  }
  return 0;
}

import { type Resource, resources, type Task } from '../../api/index.ts';
import { type Context, warn } from '../context.ts';
import { UsageError } from '../errors.ts';
import { selectObjects } from './select-objects.ts';

/** How the objects of delete, pause, resume, stop and rerun are named: by words, by files, by label or all. */
export interface TargetFlags {
  filename?: string[];
  recursive?: boolean;
  selector?: string;
  all?: boolean;
}

export interface SelectedTask {
  resource: Resource;
  namespace: string;
  name: string;
  uid: string;
  stopped: boolean;
  suspended: boolean;
}

/** Tasks only; a bare NAME is a task's. Raises NotFound for one that does not exist, before anything is changed. */
export async function selectTasks(
  context: Context,
  words: readonly string[],
  flags: TargetFlags,
): Promise<SelectedTask[]> {
  const selected = await selectObjects(context, taskWords(words, flags), flags);
  const wrong = selected.find(({ resource }) => resource.kind !== 'Task');
  if (wrong)
    throw new UsageError(
      `river: ${wrong.resource.singular}/${wrong.name} is not a task: only tasks are paused, resumed, stopped and run again`,
    );
  if (selected.length === 0) await warn(context, 'river: no task matches; nothing was changed');
  const { client } = await context.connect();
  return Promise.all(
    selected.map(async ({ resource, namespace, name }) =>
      describeTask(resource, await client.get('Task', namespace, name)),
    ),
  );
}

function taskWords(words: readonly string[], flags: TargetFlags): readonly string[] {
  if (words.length === 0) return flags.selector || flags.all ? [resources.Task.singular] : [];
  const isKind = words[0] === resources.Task.singular || words[0] === resources.Task.plural;
  const named =
    words.some((word) => word.includes('/')) || (isKind && (words.length > 1 || flags.selector || flags.all));
  return named ? words : [resources.Task.singular, ...words];
}

function describeTask(resource: Resource, task: Task): SelectedTask {
  const { namespace = '', name = '', uid = '' } = task.metadata;
  const { stopped = false, suspend = false } = task.spec;
  return { resource, namespace, name, uid, stopped, suspended: suspend };
}

import { type ApiObject, findResource, type Resource, resources } from '../../api/index.ts';
import { UsageError } from '../errors.ts';

/** What the words after a verb name: whole kinds, or objects of a kind. */
export interface Selection {
  resource: Resource;
  /** Empty: all of the kind that the selectors let through. */
  names: string[];
}

/** `task.river.dev`, as commands print it, is a kind too. */
export function kindNamed(word: string): Resource | undefined {
  return findResource(word.replace(/\.river\.dev$/i, ''));
}

/** Raises UsageError for a word that is no kind. */
export function resourceOf(word: string): Resource {
  const resource = kindNamed(word);
  if (resource) return resource;
  if (/^gpus?$/i.test(word))
    throw new UsageError(
      'river: GPUs are no objects, they stand in their nodes: river get gpus, or river describe node/NAME',
    );
  const known = Object.values(resources).map((each) => each.plural);
  throw new UsageError(`river: there is no kind "${word}"; there are ${known.join(', ')}`);
}

/** `tasks`, `tasks,runs`, `task a b`, `task/a run/b`, as kubectl reads them. One entry for each kind, in order. */
export function parseSelections(words: readonly string[]): Selection[] {
  if (words.length === 0)
    throw new UsageError('river: say which objects: a kind, as in tasks, or names, as in task/hello');
  if (words.some((word) => word.includes('/'))) return parsePairs(words);
  const [kinds = '', ...names] = words;
  const selected = kinds
    .split(',')
    .filter(Boolean)
    .map((word) => ({ resource: resourceOf(word), names: [...names] }));
  if (names.length > 0 && selected.length > 1) {
    throw new UsageError('river: with several kinds give no names, or name objects as KIND/NAME');
  }
  return selected;
}

function parsePairs(words: readonly string[]): Selection[] {
  const selections: Selection[] = [];
  for (const word of words) {
    const [kind = '', name = '', ...rest] = word.split('/');
    if (!kind || !name || rest.length > 0) {
      throw new UsageError(`river: "${word}" is not KIND/NAME; do not mix "KIND NAME" and "KIND/NAME"`);
    }
    const resource = resourceOf(kind);
    const last = selections.at(-1);
    if (last?.resource === resource) last.names.push(name);
    else selections.push({ resource, names: [name] });
  }
  return selections;
}

/** `task.river.dev/hello`: how objects are named in what commands print. */
export function shownName(resource: Resource, name: string): string {
  return `${resource.singular}.river.dev/${name}`;
}

export function shownObject(object: ApiObject): string {
  const resource = findResource(object.kind);
  return `${resource?.singular ?? object.kind.toLowerCase()}.river.dev/${object.metadata.name}`;
}

/** The one environment that a command is about; `example` shows how. Raises UsageError. */
export function environmentName(words: readonly string[], example: string): string {
  const [first = ''] = words;
  const isName = words.length === 1 && !first.includes('/');
  const [selection, ...more] = words.length === 0 || isName ? [] : parseSelections(words);
  const [name, ...others] = selection?.names ?? [];
  if (selection?.resource.kind === 'Environment' && name && more.length + others.length === 0) return name;
  const why =
    selection && selection.resource.kind !== 'Environment'
      ? `a ${selection.resource.singular} is none; `
      : '';
  throw new UsageError(`river: ${why}name one environment, as in "${example}"`);
}

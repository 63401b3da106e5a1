import { type ApiObject, labelKeyProblem, labelValueProblem } from '../../api/index.ts';
import { type Context, print } from '../context.ts';
import { UsageError } from '../errors.ts';
import { shownName } from '../naming/object-args.ts';
import { selectObjects } from '../naming/select-objects.ts';
import { controlManager } from './stop.ts';

/** `river label node/n1 gpu=a100 zone-`: sets labels, and removes those with - behind. */
export async function label(context: Context, words: readonly string[]): Promise<number> {
  const isEdit = (word: string) => word.includes('=') || word.endsWith('-');
  const changes = Object.fromEntries(words.filter(isEdit).map(parseEdit));
  if (Object.keys(changes).length === 0)
    throw new UsageError('river: say which label, as in river label node/n1 gpu=a100, or gpu- to remove it');
  const { client } = await context.connect();
  const objects = await selectObjects(
    context,
    words.filter((word) => !isEdit(word)),
    {},
  );
  for (const { resource, namespace, name } of objects) {
    const { metadata } = (await client.get(resource.kind, namespace, name)) as ApiObject;
    const has = metadata.labels ?? {};
    const isSame = Object.entries(changes).every(([key, value]) => (has[key] ?? null) === value);
    const patch = { metadata: { uid: metadata.uid, labels: changes } };
    if (!isSame) await client.patch(resource.kind, namespace, name, patch, { fieldManager: controlManager });
    await print(context, `${shownName(resource, name)} ${isSame ? 'unchanged' : 'labeled'}`);
  }
  return 0;
}

function parseEdit(word: string): [string, string | null] {
  const [key = '', value] = word.split('=');
  const isRemoval = value === undefined;
  const name = isRemoval ? key.replace(/-$/, '') : key;
  const problem = labelKeyProblem(name) ?? labelValueProblem(value ?? '');
  if (problem !== undefined) throw new UsageError(`river: ${word}: ${problem}`);
  return [name, isRemoval ? null : value];
}

import { labelKeyProblem, labelValueProblem, type Taint } from '../../api/index.ts';
import { type Context, print } from '../context.ts';
import { UsageError } from '../errors.ts';
import { shownName } from '../naming/object-args.ts';
import { selectNodes } from './cordon.ts';
import { controlManager } from './stop.ts';

const effects = ['NoSchedule', 'PreferNoSchedule'] as const;

interface TaintEdit {
  key: string;
  value?: string;
  /** Absent, in a removal: every effect. */
  effect?: Taint['effect'];
  remove: boolean;
}

/** `river taint node/n1 gpu=only:NoSchedule` adds or changes one, `gpu:NoSchedule-` and `gpu-` remove them. */
export async function taint(context: Context, words: readonly string[]): Promise<number> {
  const isEdit = (word: string) => word.endsWith('-') || word.includes(':') || word.includes('=');
  const names = words.filter((word) => !isEdit(word));
  const edits = words.filter(isEdit).map(parseEdit);
  if (edits.length === 0)
    throw new UsageError(
      'river: say which taint, as in river taint node/n1 gpu=only:NoSchedule, or gpu- to remove it',
    );
  const { client } = await context.connect();
  for (const { resource, name } of await selectNodes(
    context,
    names[0] === 'node' || names[0] === 'nodes' ? names.slice(1) : names,
    {},
  )) {
    const { metadata, spec } = await client.get('Node', '', name);
    const before = spec?.taints ?? [];
    const taints = edits.reduce(edited, before);
    if (JSON.stringify(taints) === JSON.stringify(before)) {
      await print(context, `${shownName(resource, name)} unchanged`);
      continue;
    }
    const { uid, resourceVersion } = metadata;
    const patch = { metadata: { uid, resourceVersion }, spec: { taints: taints.length > 0 ? taints : null } };
    await client.patch('Node', '', name, patch, { fieldManager: controlManager });
    await print(context, `${shownName(resource, name)} tainted`);
  }
  return 0;
}

function parseEdit(word: string): TaintEdit {
  const remove = word.endsWith('-');
  const [pair = '', effect] = word.replace(/-$/, '').split(':');
  const [key = '', value] = pair.split('=');
  const known = effects.find((each) => each === effect);
  const problem = labelKeyProblem(key) ?? labelValueProblem(value ?? '');
  if (problem !== undefined) throw new UsageError(`river: ${word}: ${problem}`);
  if ((effect !== undefined || !remove) && !known)
    throw new UsageError(`river: ${word} must be KEY[=VALUE]:EFFECT with the effect ${effects.join(' or ')}`);
  return { key, ...(value ? { value } : {}), ...(known ? { effect: known } : {}), remove };
}

function edited(taints: readonly Taint[], { key, value, effect, remove }: TaintEdit): Taint[] {
  const others = taints.filter(
    (each) => each.key !== key || (effect !== undefined && each.effect !== effect),
  );
  if (remove || effect === undefined) return others;
  return [...others, { key, ...(value === undefined ? {} : { value }), effect }];
}

import { RiverError } from '../../base/index.ts';
import { labelKeyProblem, labelValueProblem } from '../values/names.ts';

type Operator = '=' | '!=' | 'in' | 'notin' | 'exists' | 'absent';

export interface LabelRequirement {
  key: string;
  operator: Operator;
  /** One for = and !=, some for in and notin, none for the others. */
  values: string[];
}

export type LabelSelector = readonly LabelRequirement[];

const refuse = (part: string, why = 'write a=b, a!=b, a in (b,c), a notin (b,c), a or !a') =>
  new RiverError('BadRequest', `label selector: cannot read "${part}"; ${why}`);

/** At commas outside of brackets. */
function splitRequirements(text: string): string[] {
  return text.split(/,(?![^(]*\))/).map((part) => part.trim());
}

function readRequirement(part: string): LabelRequirement {
  const set = /^(\S+)\s+(in|notin)\s*\(([^()]*)\)$/.exec(part);
  if (set) {
    const values = (set[3] ?? '').split(',').map((value) => value.trim());
    return { key: set[1] ?? '', operator: set[2] as Operator, values };
  }
  const pair = /^([^\s=!]+)\s*(!=|==|=)\s*([^\s=!]*)$/.exec(part);
  if (pair) return { key: pair[1] ?? '', operator: pair[2] === '!=' ? '!=' : '=', values: [pair[3] ?? ''] };
  const bare = /^(!?)\s*([^\s=!]+)$/.exec(part);
  if (bare) return { key: bare[2] ?? '', operator: bare[1] ? 'absent' : 'exists', values: [] };
  throw refuse(part);
}

/** As in kubectl -l: `a=b,c!=d,e in (f,g),!h`. Empty: everything. Raises `BadRequest`. */
export function parseLabelSelector(text: string | undefined): LabelSelector {
  if (!text?.trim()) return [];
  return splitRequirements(text).map((part) => {
    const requirement = readRequirement(part);
    const problem =
      labelKeyProblem(requirement.key) ?? requirement.values.map(labelValueProblem).find(Boolean);
    if (problem) throw refuse(part, problem);
    return requirement;
  });
}

function matchesOne({ key, operator, values }: LabelRequirement, labels: Record<string, string>): boolean {
  const value = Object.hasOwn(labels, key) ? labels[key] : undefined;
  if (operator === 'exists') return value !== undefined;
  if (operator === 'absent') return value === undefined;
  const contained = value !== undefined && values.includes(value);
  // As in Kubernetes, != and notin also select what does not have the key.
  return operator === '=' || operator === 'in' ? contained : !contained;
}

export function matchesLabels(selector: LabelSelector, labels: Record<string, string> | undefined): boolean {
  return selector.every((requirement) => matchesOne(requirement, labels ?? {}));
}

/** The part that an index of exact labels can answer; `matchesLabels` still has to look at what it finds. */
export function selectorToIndexLabels(selector: LabelSelector): Record<string, string> {
  const exact: Record<string, string> = {};
  for (const { key, operator, values } of selector) {
    if ((operator === '=' || operator === 'in') && values.length === 1) exact[key] = values[0] ?? '';
  }
  return exact;
}

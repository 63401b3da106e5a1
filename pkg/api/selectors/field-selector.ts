import { RiverError } from '../../base/index.ts';
import type { ApiObject, Kind } from '../objects.ts';
import { suggestion } from '../validation/nearest.ts';

export interface FieldRequirement {
  path: string;
  operator: '=' | '!=';
  value: string;
}

export type FieldSelector = readonly FieldRequirement[];

const ofAll = ['metadata.name', 'metadata.namespace'];

const selectable: Readonly<Record<Kind, readonly string[]>> = {
  Task: [...ofAll, 'status.phase'],
  Run: [...ofAll, 'spec.placement.node', 'spec.task', 'status.phase'],
  Node: ofAll,
  Environment: [...ofAll, 'status.phase'],
  Event: [
    ...ofAll,
    'involvedObject.kind',
    'involvedObject.namespace',
    'involvedObject.name',
    'involvedObject.uid',
    'reason',
    'type',
  ],
  Usage: [...ofAll, 'task', 'node', 'day'],
};

/** `path=value` and `path!=value`, comma-separated. Empty: everything. Raises `BadRequest` for paths that the kind cannot be selected by. */
export function parseFieldSelector(kind: Kind, text: string | undefined): FieldSelector {
  if (!text?.trim()) return [];
  return text.split(',').map((part) => {
    const match = /^\s*([^\s=!]+)\s*(!=|==|=)\s*([^=!]*?)\s*$/.exec(part);
    if (!match)
      throw new RiverError(
        'BadRequest',
        `field selector: cannot read "${part}"; write path=value or path!=value`,
      );
    const path = match[1] ?? '';
    if (!selectable[kind].includes(path)) {
      const known = selectable[kind].join(', ');
      const hint = suggestion(path, selectable[kind]);
      throw new RiverError(
        'BadRequest',
        `field selector: ${kind} cannot be selected by ${path}${hint} (there are ${known})`,
      );
    }
    return { path, operator: match[2] === '!=' ? '!=' : '=', value: match[3] ?? '' };
  });
}

/** Text of a field; '' when it is not there, as in Kubernetes. */
function fieldText(object: unknown, path: string): string {
  let value = object;
  for (const key of path.split('.')) {
    if (typeof value !== 'object' || value === null) return '';
    value = (value as Record<string, unknown>)[key];
  }
  return value === undefined || value === null ? '' : String(value);
}

export function matchesFields(selector: FieldSelector, object: ApiObject): boolean {
  return selector.every(
    ({ path, operator, value }) => (fieldText(object, path) === value) === (operator === '='),
  );
}

/** The value that a field must have, when the selector says so: what an index can answer. */
export function exactField(selector: FieldSelector, path: string): string | undefined {
  return selector.find((requirement) => requirement.path === path && requirement.operator === '=')?.value;
}

import { stringify } from 'yaml';
import { type ApiObject, ageOf, type Condition, type Event } from '../../api/index.ts';
import { printable, TableWriter } from './table.ts';

/** A label and its value. */
export type Field = readonly [string, string | undefined];

/** `Label:   value` lines; values that are missing leave their line out. */
export function fields(rows: readonly (readonly [string, string | undefined])[]): string {
  const present = rows.filter(([, value]) => value !== undefined && value !== '');
  return new TableWriter().format(present.map(([label, value]) => [`${label}:`, printable(value ?? '')]));
}

/** A title and an indented table; with no rows, `Title:  <none>`. */
export function section(
  title: string,
  header: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  if (rows.length === 0) return `${title}:   <none>\n`;
  const table = new TableWriter().format([header, ...rows.map((row) => row.map(printable))]);
  return `${title}:\n${indent(table)}`;
}

export function yamlSection(title: string, value: unknown): string {
  if (value === undefined) return '';
  return `${title}:\n${indent(stringify(value, { lineWidth: 0 }))}`;
}

/** What every object has, and then `more`, in one table. */
export function head(object: ApiObject, now: number, more: readonly Field[]): string {
  const { metadata } = object;
  const created = metadata.creationTimestamp;
  return fields([
    ['Name', metadata.name],
    ['Namespace', metadata.namespace],
    ['Labels', pairs(metadata.labels)],
    ['Annotations', pairs(metadata.annotations)],
    ['Created', created && `${created} (${ageOf(created, now)} ago)`],
    ['Deleting since', metadata.deletionTimestamp],
    ...more,
  ]);
}

export function conditions(list: readonly Condition[] | undefined, now: number): string {
  const rows = (list ?? []).map((each) => [
    each.type,
    each.status,
    each.reason,
    ageOf(each.lastTransitionTime, now),
    each.message,
  ]);
  return section('Conditions', ['TYPE', 'STATUS', 'REASON', 'AGE', 'MESSAGE'], rows);
}

/** Oldest first, as they happened. */
export function events(list: readonly Event[], now: number): string {
  const time = (event: Event) => event.lastTimestamp ?? event.metadata.creationTimestamp ?? '';
  const sorted = [...list].sort((a, b) => time(a).localeCompare(time(b)));
  const rows = sorted.map((event) => {
    const count = event.count ?? 1;
    const times = count > 1 ? ` (x${count})` : '';
    return [
      event.type,
      event.reason,
      `${ageOf(time(event), now)}${times}`,
      event.source?.component ?? '-',
      event.message,
    ];
  });
  return section('Events', ['TYPE', 'REASON', 'AGE', 'FROM', 'MESSAGE'], rows);
}

function pairs(map: Record<string, string> | undefined): string {
  return Object.entries(map ?? {})
    .map(([key, value]) => `${key}=${value}`)
    .join(', ');
}

export function indent(text: string): string {
  return text.replace(/^(?=.)/gm, '  ');
}

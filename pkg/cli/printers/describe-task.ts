import type { Event, Run, Task } from '../../api/index.ts';
import { heldTo, isBound } from './held-to.ts';
import { conditions, events, head, section, yamlSection } from './sections.ts';

export interface Described<T> {
  object: T;
  runs: readonly Run[];
  events: readonly Event[];
  now: number;
}

export function describeTask({ object, runs, events: happened, now }: Described<Task>): string {
  const status = object.status ?? {};
  return [
    head(object, now, [
      ['Phase', status.phase ?? 'Pending'],
      [
        'Runs',
        `${status.active ?? 0} active, ${status.succeeded ?? 0} succeeded, ${status.failed ?? 0} failed, of ${status.total ?? 0}`,
      ],
      ['Revision', status.revision?.toString()],
    ]),
    yamlSection('Spec', object.spec),
    runTable(runs),
    conditions(status.conditions, now),
    events(happened, now),
  ].join('');
}

/** With a column for the point of each run where the task has spans, and for what they are held to where one was given any. */
export function runTable(runs: readonly Run[]): string {
  const swept = runs.some(({ spec }) => spec.point !== undefined);
  const held = runs.some(isBound);
  const rows = runs.map((run) => [
    run.metadata.name ?? '',
    ...(swept ? [pointOf(run)] : []),
    run.status?.phase ?? 'Pending',
    run.spec.placement?.node ?? run.spec.target ?? '-',
    ...(held ? [heldTo(run) ?? '-'] : []),
    ending(run),
    run.status?.message || run.status?.conditions?.find((each) => each.status !== 'True')?.message || '-',
  ]);
  const columns = ['PHASE', 'NODE', ...(held ? ['HELD TO'] : []), 'EXIT', 'MESSAGE'];
  return section('Runs', ['NAME', ...(swept ? ['POINT'] : []), ...columns], rows);
}

function pointOf({ spec }: Run): string {
  const values = Object.entries(spec.point ?? {}).map(([place, value]) => `${place}=${value}`);
  return values.join(' ') || '-';
}

/** Exit code, or the signal. */
export function ending(run: Run): string {
  return run.status?.exitCode?.toString() ?? run.status?.signal ?? '-';
}

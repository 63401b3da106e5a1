import type { Event, Run, Task } from '../../api/index.ts';
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

export function runTable(runs: readonly Run[]): string {
  const rows = runs.map((run) => [
    run.metadata.name ?? '',
    run.status?.phase ?? 'Pending',
    run.spec.placement?.node ?? run.spec.target ?? '-',
    ending(run),
    run.status?.message ?? run.status?.conditions?.find((each) => each.status !== 'True')?.message ?? '-',
  ]);
  return section('Runs', ['NAME', 'PHASE', 'NODE', 'EXIT', 'MESSAGE'], rows);
}

/** Exit code, or the signal. */
export function ending(run: Run): string {
  return run.status?.exitCode?.toString() ?? run.status?.signal ?? '-';
}

import { formatBytes, type Run, type RunStatus } from '../../api/index.ts';
import { type Described, ending } from './describe-task.ts';
import { heldTo } from './held-to.ts';
import { placementFields } from './placement-fields.ts';
import { conditions, events, head, yamlSection } from './sections.ts';
import { shownCores } from './values.ts';

export function describeRun({ object, events: happened, now }: Described<Run>): string {
  const status = object.status;
  return [
    head(object, now, [
      ['Task', object.spec.task],
      ['Phase', status?.phase],
      ['Reason', status?.reason],
      ['Message', status?.message],
      ...placementFields(object),
      ['Held to', heldTo(object)],
      ['Refused by', status?.avoid?.join(', ')],
      ['Started', status?.startedAt],
      ['Finished', status?.finishedAt],
      ['Exit', status?.finishedAt && ending(object)],
      ['Out of memory', status?.oomKilled ? 'yes' : undefined],
      ['In use', usageLine(status?.usage)],
      ['CPU seconds', status?.usage?.cpuSeconds?.toFixed(2)],
      [
        'Memory peak',
        status?.usage?.memoryPeak === undefined ? undefined : formatBytes(status.usage.memoryPeak),
      ],
      ['Output', status?.log?.out],
      ['Errors', status?.log?.err],
    ]),
    yamlSection('Spec', object.spec),
    conditions(status?.conditions, now),
    events(happened, now),
  ].join('');
}

/** While it runs, and its node is heard of. */
function usageLine({ cores, memoryUsed }: NonNullable<RunStatus['usage']> = {}): string {
  const parts = [
    ...(cores === undefined ? [] : [`${shownCores(cores)} cores`]),
    ...(memoryUsed === undefined ? [] : [`${formatBytes(memoryUsed)} memory`]),
  ];
  return parts.join(', ');
}

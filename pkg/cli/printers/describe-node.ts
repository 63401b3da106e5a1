import { ageOf, formatBytes, type Node, type NodeResources } from '../../api/index.ts';
import { type Described, runTable } from './describe-task.ts';
import { nodeMap } from './node-map.ts';
import { conditions, events, head } from './sections.ts';
import { shownCores } from './values.ts';

export function describeNode({ object, runs, events: happened, now }: Described<Node>): string {
  const status = object.status ?? {};
  const versions = Object.entries(status.versions ?? {}).map(([part, version]) => `${part} ${version}`);
  return [
    head(object, now, [
      ['Unschedulable', object.spec?.unschedulable ? 'yes' : 'no'],
      ['Drained', object.spec?.drain ? 'yes, until river uncordon' : undefined],
      ['Fenced', object.spec?.fencedAt],
      ['Capacity', resourcesLine(status.capacity)],
      ['Allocatable', resourcesLine(status.allocatable)],
      ['In use', usageLine(status.usage)],
      [
        'Last heartbeat',
        status.lastHeartbeat && `${status.lastHeartbeat} (${ageOf(status.lastHeartbeat, now)} ago)`,
      ],
      ['Runtimes', status.runtimes?.join(', ')],
      ['Versions', versions.join(', ')],
      ['Addresses', status.addresses?.join(', ')],
      ['Boot', status.bootId],
    ]),
    nodeMap(object, runs),
    runTable(runs),
    conditions(status.conditions, now),
    events(happened, now),
  ].join('');
}

function resourcesLine(resources: NodeResources | undefined): string | undefined {
  return resources && `${resources.cores} cores, ${formatBytes(resources.memory)} memory`;
}

function usageLine(usage: NonNullable<Node['status']>['usage']): string | undefined {
  const parts = [
    usage?.cores === undefined ? '' : `${shownCores(usage.cores)} cores`,
    usage?.cpuPercent === undefined ? '' : `${Math.round(usage.cpuPercent)}% CPU`,
    usage?.memoryUsed === undefined ? '' : `${formatBytes(usage.memoryUsed)} memory`,
    usage?.cpuTemperature === undefined ? '' : `${Math.round(usage.cpuTemperature)} °C`,
  ];
  return parts.filter(Boolean).join(', ');
}

import { expect, test } from 'vitest';
import { columns } from './columns.ts';
import type { Kind, ObjectOf } from './objects.ts';

const now = Date.parse('2026-01-01T00:01:00Z');
const metadata = { name: 'a', namespace: 'default', creationTimestamp: '2026-01-01T00:00:00.000Z' };
const condition = { status: 'True', reason: 'R', message: '', lastTransitionTime: '' } as const;

function row<K extends Kind>(
  kind: K,
  object: Omit<ObjectOf<K>, 'apiVersion' | 'kind'>,
): Record<string, string> {
  const whole = { apiVersion: 'river.dev/v1', kind, ...object } as ObjectOf<K>;
  return Object.fromEntries(columns[kind].map(({ name, cell }) => [name, cell(whole, now)]));
}

test('wide columns come last', () => {
  for (const list of Object.values(columns)) {
    const wide = list.map((column) => column.wide === true);
    expect(wide).toEqual([...wide].sort());
  }
});

test('a Task', () => {
  const spec = { command: ['python', 'a'.repeat(50)], runtime: 'process' as const };
  const runs = [
    { name: 'r', ordinal: 0, phase: 'Running', node: 'n1' },
    { name: 's', ordinal: 1, phase: 'Running', node: 'n1' },
  ];
  const conditions = [{ ...condition, type: 'Scheduled', status: 'False' as const, reason: 'NoNodeFits' }];
  expect(
    row('Task', { metadata, spec, status: { phase: 'Running', succeeded: 1, total: 3, runs, conditions } }),
  ).toEqual({
    NAME: 'a',
    STATUS: 'Running',
    RUNS: '1/3',
    AGE: '60s',
    NODES: 'n1',
    RUNTIME: 'process',
    ENVIRONMENT: '<none>',
    IMAGE: '<none>',
    COMMAND: `python ${'a'.repeat(32)}…`,
    REASON: 'NoNodeFits',
  });
});

test('a Task of which nothing is known yet, and one that goes', () => {
  expect(row('Task', { metadata, spec: { image: 'i', targets: ['x', 'y'] } })).toMatchObject({
    STATUS: 'Pending',
    RUNS: '0/2',
    NODES: '<none>',
    COMMAND: '<none>',
  });
  const going = { ...metadata, deletionTimestamp: '2026-01-01T00:00:30.000Z' };
  expect(row('Task', { metadata: going, spec: { script: '#!/bin/sh\n', args: ['x'] } })).toMatchObject({
    STATUS: 'Deleting',
    COMMAND: '<script> x',
  });
});

test('a Run', () => {
  const spec = {
    task: 't',
    revision: 1,
    ordinal: 0,
    attempt: 0,
    desired: 'Running' as const,
    runtime: 'docker' as const,
    placement: { node: 'n1' },
  };
  const status = {
    phase: 'Failed' as const,
    startedAt: '2026-01-01T00:00:10.000Z',
    finishedAt: '2026-01-01T00:00:15.000Z',
    exitCode: 0,
    reason: 'Completed',
    usage: { cpuSeconds: 1.234, memoryPeak: 2 ** 20 },
  };
  expect(row('Run', { metadata, spec, status })).toEqual({
    NAME: 'a',
    STATUS: 'Failed',
    NODE: 'n1',
    EXIT: '0',
    AGE: '60s',
    TASK: 't',
    DURATION: '5s',
    CPU: '1.2s',
    MEMORY: '1Mi',
    REASON: 'Completed',
  });
  expect(row('Run', { metadata, spec: { ...spec, placement: undefined } })).toMatchObject({
    STATUS: 'Pending',
    NODE: '<none>',
    EXIT: '<none>',
    DURATION: '<none>',
  });
  expect(row('Run', { metadata, spec, status: { phase: 'Failed', signal: 'SIGKILL' } }).EXIT).toBe('SIGKILL');
});

test('a Node', () => {
  const status = {
    conditions: [{ ...condition, type: 'Ready' }],
    allocatable: { cores: 3.5, memory: 4 * 2 ** 30 },
    versions: { river: '0.1.0' },
    runtimes: ['docker', 'process'],
    usage: { cpuPercent: 12.6, cpuTemperature: 55.2 },
    numa: [{ id: 0, cpus: '0-3', memory: 1 }],
  };
  expect(row('Node', { metadata, spec: { unschedulable: true }, status })).toEqual({
    NAME: 'a',
    STATUS: 'Ready,SchedulingDisabled',
    NUMA: '1',
    CORES: '3.5',
    MEMORY: '4Gi',
    AGE: '60s',
    VERSION: '0.1.0',
    RUNTIMES: 'docker,process',
    'CPU%': '13',
    TEMP: '55°C',
  });
  const far = {
    type: 'Ready',
    status: 'False',
    reason: 'VersionSkew',
    message: '',
    lastTransitionTime: '',
  } as const;
  expect(row('Node', { metadata, status: { conditions: [far] } }).STATUS).toBe('NotReady,VersionSkew');
  expect(row('Node', { metadata })).toMatchObject({ STATUS: 'NotReady', CORES: '<none>', 'CPU%': '<none>' });
});

test('an Event', () => {
  const involvedObject = { kind: 'Task', name: 't' };
  expect(
    row('Event', {
      metadata,
      involvedObject,
      reason: 'R',
      message: 'one\ntwo ',
      type: 'Normal',
      lastTimestamp: '2026-01-01T00:00:55.000Z',
    }),
  ).toEqual({
    'LAST SEEN': '5s',
    TYPE: 'Normal',
    REASON: 'R',
    OBJECT: 'task/t',
    MESSAGE: 'one two',
    SOURCE: '<none>',
    COUNT: '1',
  });
});

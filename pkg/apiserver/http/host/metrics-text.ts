import type { Node, Run } from '../../../api/index.ts';
import { isConditionTrue } from '../../../api/index.ts';
import type { ServiceMetrics } from '../../metrics.ts';
import type { HostVitals } from '../../vitals.ts';

export interface MetricsInput {
  metrics: ServiceMetrics;
  /** Newest version of the store. */
  version: number;
  vitals: Pick<HostVitals, 'space' | 'clockJumps'>;
  /** With their live values. */
  nodes: readonly Node[];
  /** How many Runs there are in each phase. */
  phases: ReadonlyMap<NonNullable<Run['status']>['phase'], number>;
  /** What the runner of a node has counted since its start. */
  counters: (node: string) => Readonly<Record<string, number>> | undefined;
}

type Sample = readonly [labels: Readonly<Record<string, string>>, value: number | undefined];

/** The names and units of a node's GPU, as Prometheus has them: bytes, watts, degrees, hertz, ratios from 0 to 1. */
const gpuGauges = [
  ['utilization_ratio', 'utilization', 0.01],
  ['memory_utilization_ratio', 'memoryUtilization', 0.01],
  ['memory_total_bytes', 'memoryTotal', 1],
  ['memory_used_bytes', 'memoryUsed', 1],
  ['memory_free_bytes', 'memoryFree', 1],
  ['temperature_celsius', 'temperature', 1],
  ['fan_speed_ratio', 'fanSpeed', 0.01],
  ['power_watts', 'powerDraw', 1],
  ['power_limit_watts', 'powerLimit', 1],
  ['power_limit_default_watts', 'powerLimitDefault', 1],
  ['power_limit_max_watts', 'powerLimitMax', 1],
  ['clock_graphics_hertz', 'clockGraphics', 1e6],
  ['clock_sm_hertz', 'clockSm', 1e6],
  ['clock_memory_hertz', 'clockMemory', 1e6],
  ['clock_video_hertz', 'clockVideo', 1e6],
] as const;

/** The Prometheus text format, version 0.0.4. */
export function metricsText({ metrics, version, vitals, nodes, phases, counters }: MetricsInput): string {
  const refusals = Object.entries(metrics.refusals).map(([reason, count]): Sample => [{ reason }, count]);
  return [
    family('river_refused_total', 'counter', 'Writes that the API has refused, by rule.', refusals),
    family('river_watches', 'gauge', 'Watches that are open.', [[{}, metrics.watches]]),
    family('river_store_version', 'counter', 'Writes that the store has ever taken.', [[{}, version]]),
    family('river_host_state_bytes', 'gauge', 'Volume of the state directory of the host.', [
      [{}, vitals.space?.size],
    ]),
    family('river_host_state_free_bytes', 'gauge', 'What is free there.', [[{}, vitals.space?.free]]),
    family('river_host_clock_jumps_total', 'counter', 'How often the wall clock of the host was set.', [
      [{}, vitals.clockJumps],
    ]),
    family(
      'river_runs',
      'gauge',
      'Runs, by phase.',
      [...phases].map(([phase, count]): Sample => [{ phase }, count]),
    ),
    family('river_node_condition', 'gauge', 'Conditions of nodes: 1 where True.', nodes.flatMap(conditions)),
    family(
      'river_runner_events_total',
      'counter',
      'What runners have counted since their start.',
      nodes.flatMap((node) =>
        Object.entries(counters(nameOf(node)) ?? {}).map(
          ([event, count]): Sample => [{ node: nameOf(node), event }, count],
        ),
      ),
    ),
    ...nodeFamilies(nodes),
    ...gpuGauges.map(([name, field, scale]) =>
      family(`river_gpu_${name}`, 'gauge', `Of each GPU: ${field}.`, gpuSamples(nodes, field, scale)),
    ),
  ].join('');
}

function conditions(node: Node): Sample[] {
  return (node.status?.conditions ?? []).map(
    ({ type }): Sample => [
      { node: nameOf(node), condition: type },
      isConditionTrue(node.status?.conditions, type) ? 1 : 0,
    ],
  );
}

function nodeFamilies(nodes: readonly Node[]): string[] {
  const of = (value: (node: Node) => number | undefined) =>
    nodes.map((node): Sample => [{ node: nameOf(node) }, value(node)]);
  const usage = (node: Node) => node.status?.usage;
  return [
    family(
      'river_node_cpu_ratio',
      'gauge',
      'CPU time of nodes in use.',
      of((node) => scaled(usage(node)?.cpuPercent, 0.01)),
    ),
    family(
      'river_node_memory_used_bytes',
      'gauge',
      'Memory of nodes in use.',
      of((node) => usage(node)?.memoryUsed),
    ),
    family(
      'river_node_memory_bytes',
      'gauge',
      'Memory of nodes.',
      of((node) => node.status?.capacity?.memory),
    ),
    family(
      'river_node_cores',
      'gauge',
      'CPU cores of nodes.',
      of((node) => node.status?.capacity?.cores),
    ),
    family(
      'river_node_temperature_celsius',
      'gauge',
      'Hottest sensor of the CPUs.',
      of((node) => usage(node)?.cpuTemperature),
    ),
  ];
}

function gpuSamples(nodes: readonly Node[], field: (typeof gpuGauges)[number][1], scale: number): Sample[] {
  return nodes.flatMap((node) =>
    (node.status?.usage?.gpus ?? []).map((gpu): Sample => {
      const known = node.status?.gpus?.find(({ uuid }) => uuid === gpu.uuid);
      const labels: Record<string, string> = { node: nameOf(node), uuid: gpu.uuid };
      if (known) labels.index = String(known.index);
      return [labels, scaled(gpu[field], scale)];
    }),
  );
}

function scaled(value: number | undefined, scale: number): number | undefined {
  return value === undefined ? undefined : value * scale;
}

function nameOf(node: Node): string {
  return node.metadata.name ?? '';
}

/** Nothing at all where there is no sample: a family without one says nothing. */
function family(name: string, type: 'counter' | 'gauge', help: string, samples: readonly Sample[]): string {
  const known = samples.filter(([, value]) => value !== undefined);
  if (known.length === 0) return '';
  const lines = known.map(([labels, value]) => `${name}${labelText(labels)} ${value}`);
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join('\n')}\n`;
}

function labelText(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(
    ([name, value]) =>
      `${name}="${value.replace(/[\\"\n]/g, (sign) => (sign === '\n' ? '\\n' : `\\${sign}`))}"`,
  );
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

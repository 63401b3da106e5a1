import { getCondition, isConditionTrue } from './conditions.ts';
import type { Kind, ObjectOf } from './objects.ts';
import type { Environment, Event, Node, Run, Task, Usage } from './types.gen.ts';
import { ageOf, formatAge } from './values/duration.ts';
import { formatBytes } from './values/quantity.ts';
import { versionSkewType } from './version-skew.ts';

/** One column of `river get`, in the CLI and in the Tables that the API will serve. */
export interface Column<T> {
  name: string;
  /** Only with -o wide. */
  wide?: boolean;
  cell(object: T, nowMs: number): string;
}

const none = '<none>';
const or = (value: string | number | undefined) =>
  value === undefined || value === '' ? none : String(value);
const age = {
  name: 'AGE',
  cell: (object: { metadata: Task['metadata'] }, nowMs: number) =>
    ageOf(object.metadata.creationTimestamp, nowMs),
};
const name = { name: 'NAME', cell: (object: { metadata: Task['metadata'] }) => object.metadata.name ?? '' };

/** argv on one line, at most 40 characters: an overview, not for copying. */
function commandLine(spec: {
  command?: readonly string[];
  args?: readonly string[];
  script?: string;
}): string {
  const words = spec.script === undefined ? [...(spec.command ?? [])] : ['<script>'];
  const line = [...words, ...(spec.args ?? [])].join(' ').replaceAll(/\s+/g, ' ');
  return line.length > 40 ? `${line.slice(0, 39)}…` : or(line);
}

function taskNodes(task: Task): string {
  const nodes = (task.status?.runs ?? []).flatMap((run) => run.node ?? []);
  return or([...new Set(nodes)].join(','));
}

/** Why it is as it is: the first condition that keeps it from its end. */
function taskReason(task: Task): string {
  const conditions = task.status?.conditions ?? [];
  const telling = conditions.find(({ type, status }) =>
    type === 'Scheduled'
      ? status === 'False'
      : (type === 'Failed' || type === 'Suspended') && status === 'True',
  );
  return or(telling?.reason);
}

const task: Column<Task>[] = [
  name,
  {
    name: 'STATUS',
    cell: ({ metadata, status }) => (metadata.deletionTimestamp ? 'Deleting' : (status?.phase ?? 'Pending')),
  },
  {
    name: 'RUNS',
    cell: ({ spec, status }) => `${status?.succeeded ?? 0}/${status?.total ?? spec.targets?.length ?? 1}`,
  },
  age,
  { name: 'NODES', wide: true, cell: taskNodes },
  { name: 'RUNTIME', wide: true, cell: ({ spec }) => or(spec.runtime) },
  { name: 'ENVIRONMENT', wide: true, cell: ({ spec }) => or(spec.environment) },
  { name: 'IMAGE', wide: true, cell: ({ spec }) => or(spec.image) },
  { name: 'COMMAND', wide: true, cell: ({ spec }) => commandLine(spec) },
  { name: 'REASON', wide: true, cell: taskReason },
];

function exit({ status }: Run): string {
  return or(status?.signal ?? status?.exitCode);
}

/** Time between start and end, or until now. */
function duration({ status }: Run, nowMs: number): string {
  if (!status?.startedAt) return none;
  const end = status.finishedAt ? Date.parse(status.finishedAt) : nowMs;
  return formatAge(end - Date.parse(status.startedAt));
}

const run: Column<Run>[] = [
  name,
  { name: 'STATUS', cell: ({ status }) => status?.phase ?? 'Pending' },
  { name: 'NODE', cell: ({ spec }) => or(spec.placement?.node) },
  { name: 'EXIT', cell: exit },
  age,
  { name: 'TASK', wide: true, cell: ({ spec }) => spec.task },
  { name: 'DURATION', wide: true, cell: duration },
  {
    name: 'CPU',
    wide: true,
    cell: ({ status }) =>
      status?.usage?.cpuSeconds === undefined ? none : `${status.usage.cpuSeconds.toFixed(1)}s`,
  },
  {
    name: 'MEMORY',
    wide: true,
    cell: ({ status }) =>
      status?.usage?.memoryPeak === undefined ? none : formatBytes(status.usage.memoryPeak),
  },
  { name: 'REASON', wide: true, cell: ({ status }) => or(status?.reason) },
];

function nodeStatus({ spec, status }: Node): string {
  const ready = isConditionTrue(status?.conditions, 'Ready') ? 'Ready' : 'NotReady';
  if (spec?.fencedAt !== undefined) return `${ready},Fenced`;
  if (getCondition(status?.conditions, 'Ready')?.reason === versionSkewType)
    return `${ready},${versionSkewType}`;
  return spec?.unschedulable || spec?.drain ? `${ready},SchedulingDisabled` : ready;
}

const node: Column<Node>[] = [
  name,
  { name: 'STATUS', cell: nodeStatus },
  { name: 'CORES', cell: ({ status }) => or(status?.allocatable?.cores) },
  {
    name: 'MEMORY',
    cell: ({ status }) => (status?.allocatable ? formatBytes(status.allocatable.memory) : none),
  },
  age,
  { name: 'VERSION', wide: true, cell: ({ status }) => or(status?.versions?.river) },
  { name: 'RUNTIMES', wide: true, cell: ({ status }) => or(status?.runtimes?.join(',')) },
  { name: 'NUMA', wide: true, cell: ({ status }) => or(status?.numa?.length) },
  { name: 'CPU%', wide: true, cell: ({ status }) => or(status?.usage?.cpuPercent?.toFixed(0)) },
  {
    name: 'TEMP',
    wide: true,
    cell: ({ status }) =>
      status?.usage?.cpuTemperature === undefined ? none : `${status.usage.cpuTemperature.toFixed(0)}°C`,
  },
];

/** The twelve digits by which a digest is told apart, also in the names of images and tarballs. */
const shortDigest = (digest: string | undefined) => digest?.replace(/^sha256:/, '').slice(0, 12);

/** With the number of changes that are not committed. */
function containerState({ status }: Environment): string {
  const { phase, changes } = status?.container ?? {};
  const { added = 0, changed = 0, deleted = 0 } = changes ?? {};
  const count = added + changed + deleted;
  return count > 0 ? `${phase} (${count} changed)` : or(phase);
}

const environment: Column<Environment>[] = [
  name,
  {
    name: 'STATUS',
    cell: ({ metadata, status }) => (metadata.deletionTimestamp ? 'Deleting' : (status?.phase ?? 'Pending')),
  },
  { name: 'DIGEST', cell: ({ status }) => or(shortDigest(status?.digest)) },
  age,
  {
    name: 'SIZE',
    wide: true,
    cell: ({ status }) => (status?.tarball ? formatBytes(status.tarball.size) : none),
  },
  { name: 'BUILT', wide: true, cell: ({ status }, nowMs) => ageOf(status?.tarball?.builtAt, nowMs) },
  {
    name: 'NODES',
    wide: true,
    cell: ({ status }) =>
      String((status?.nodes ?? []).filter(({ digest }) => digest === status?.digest).length),
  },
  { name: 'PROGRESS', wide: true, cell: ({ status }) => or(status?.progress) },
  { name: 'CONTAINER', wide: true, cell: containerState },
];

const event: Column<Event>[] = [
  {
    name: 'LAST SEEN',
    cell: ({ lastTimestamp, firstTimestamp, metadata }, nowMs) =>
      ageOf(lastTimestamp ?? firstTimestamp ?? metadata.creationTimestamp, nowMs),
  },
  { name: 'TYPE', cell: ({ type }) => type },
  { name: 'REASON', cell: ({ reason }) => reason },
  {
    name: 'OBJECT',
    cell: ({ involvedObject }) => `${involvedObject.kind.toLowerCase()}/${involvedObject.name}`,
  },
  { name: 'MESSAGE', cell: ({ message }) => message.replaceAll(/\s+/g, ' ').trim() },
  {
    name: 'SOURCE',
    wide: true,
    cell: ({ source }) => or([source?.component, source?.host].filter(Boolean).join(', ')),
  },
  { name: 'COUNT', wide: true, cell: ({ count }) => String(count ?? 1) },
];

const usage: Column<Usage>[] = [
  name,
  { name: 'DAY', cell: ({ day }) => day },
  { name: 'TASK', cell: ({ task: of }) => of },
  { name: 'NODE', cell: ({ node: on }) => on },
  { name: 'RUNS', cell: ({ runs }) => String(runs) },
];

/** In the order in which they are printed; those with `wide` come last. */
export const columns: { readonly [K in Kind]: readonly Column<ObjectOf<K>>[] } = {
  Task: task,
  Run: run,
  Node: node,
  Environment: environment,
  Event: event,
  Usage: usage,
};

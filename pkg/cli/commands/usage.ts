import { formatBytes, type Usage } from '../../api/index.ts';
import { timestamp } from '../../base/index.ts';
import { type Context, listNamespace, warn } from '../context.ts';
import { spanOf } from '../following/deadline.ts';
import { listAll } from '../following/follow.ts';
import { resourceOf } from '../naming/object-args.ts';
import { formatDocument } from '../printers/objects.ts';
import { printable, TableWriter } from '../printers/table.ts';

/** What entries of the ledger are added up by. */
const usageGroups = ['namespace', 'task', 'node', 'day'] as const;
type Group = (typeof usageGroups)[number];

export interface UsageFlags {
  by: Group[];
  since?: string;
  output?: 'wide' | 'json' | 'yaml';
}

type Total = Required<
  Pick<
    Usage,
    'runs' | 'unsuccessful' | 'unmeasured' | 'wallSeconds' | 'coreSeconds' | 'cpuSeconds' | 'memoryPeak'
  >
>;
type Row = Partial<Record<Group, string>> & Total;

/** Adds up what runs have used: of the Tasks of the namespace, or as `--by` says. */
export async function usage(context: Context, flags: UsageFlags): Promise<number> {
  const since = flags.since === undefined ? '' : firstDay(context, flags.since);
  const connection = await context.connect();
  const namespace = listNamespace(context, connection, resourceOf('usage'));
  const { items } = await listAll(connection.client, 'Usage', { namespace });
  const by =
    flags.by.length > 0
      ? flags.by
      : namespace === undefined
        ? usageGroups.slice(0, 2)
        : usageGroups.slice(1, 2);
  const rows = addUp(
    items.filter(({ day }) => day >= since),
    by,
  );
  if (flags.output === 'json' || flags.output === 'yaml')
    await context.io.stdout.write(formatDocument(flags.output, { usage: rows }));
  else if (rows.length === 0) await warn(context, 'No run has ended yet.');
  else await context.io.stdout.write(table(rows, by, flags.output === 'wide'));
  return 0;
}

/** Entries are for whole days: the one in which that time lies counts. */
function firstDay(context: Context, since: string): string {
  return timestamp(context.io.clock.now() - spanOf('--since', since)).slice(0, 10);
}

export function addUp(entries: readonly Usage[], by: readonly Group[]): Row[] {
  const rows = new Map<string, Row>();
  for (const entry of entries) {
    const values = by.map((group) =>
      group === 'namespace' ? (entry.metadata.namespace ?? '') : entry[group],
    );
    const key = JSON.stringify(values);
    const group = Object.fromEntries(by.map((name, index) => [name, values[index]]));
    rows.set(key, { ...group, ...sum(rows.get(key), entry) });
  }
  return [...rows].sort(([left], [right]) => (left < right ? -1 : 1)).map(([, row]) => row);
}

function sum(total: Total | undefined, entry: Usage): Total {
  const plus = (field: Exclude<keyof Total, 'memoryPeak'>) =>
    Math.round(((total?.[field] ?? 0) + (entry[field] ?? 0)) * 1000) / 1000;
  return {
    runs: plus('runs'),
    unsuccessful: plus('unsuccessful'),
    unmeasured: plus('unmeasured'),
    wallSeconds: plus('wallSeconds'),
    coreSeconds: plus('coreSeconds'),
    cpuSeconds: plus('cpuSeconds'),
    memoryPeak: Math.max(total?.memoryPeak ?? 0, entry.memoryPeak ?? 0),
  };
}

function table(rows: readonly Row[], by: readonly Group[], wide: boolean): string {
  const header = [...by.map((group) => group.toUpperCase()), 'RUNS', 'CPU', 'CORE-TIME', 'MEMORY', 'WALL'];
  const lines = rows.map((row) => [
    ...by.map((group) => printable(row[group] ?? '')),
    String(row.runs),
    seconds(row.cpuSeconds),
    seconds(row.coreSeconds),
    formatBytes(row.memoryPeak),
    seconds(row.wallSeconds),
    ...(wide ? [String(row.unsuccessful), String(row.unmeasured)] : []),
  ]);
  return new TableWriter().format([[...header, ...(wide ? ['UNSUCCESSFUL', 'UNMEASURED'] : [])], ...lines]);
}

function seconds(value: number): string {
  return `${value.toFixed(1)}s`;
}

import { createHash } from 'node:crypto';
import {
  type ApiObject,
  apiVersion,
  isTerminal,
  labels,
  parseCores,
  type Run,
  type Usage,
} from '../../api/index.ts';
import type { WriteSession } from './session.ts';

/**
 * Adds a Run that has just ended to the ledger, in the transaction that lets it end: that happens once for each Run,
 * whatever is repeated or lost, so that each is counted once. What was never started has used nothing.
 */
export function recordUsage(session: WriteSession, before: Run, after: Run): void {
  const { phase = 'Pending', startedAt } = after.status ?? {};
  const node = after.spec.placement?.node;
  if (session.dryRun || isTerminal(before.status?.phase ?? 'Pending') || !isTerminal(phase)) return;
  if (startedAt === undefined || node === undefined) return;
  const day = session.now.slice(0, 10);
  const name = entryName(day, after.spec.task, node);
  const found = session.transaction.get('Usage', after.metadata.namespace ?? '', name);
  const entry = (found?.object as Usage | undefined) ?? emptyEntry(session, after, { name, day, node });
  session.transaction.put(withRun(entry, after) as ApiObject, found?.version ?? 0);
}

/** The day comes first, so that lists are in the order of time. */
function entryName(day: string, task: string, node: string): string {
  return `${day}-${createHash('sha256').update(`${task}/${node}`).digest('hex').slice(0, 20)}`;
}

function emptyEntry(
  session: WriteSession,
  { metadata, spec }: Run,
  { name, day, node }: { name: string; day: string; node: string },
): Usage {
  return {
    apiVersion,
    kind: 'Usage',
    metadata: {
      name,
      namespace: metadata.namespace,
      uid: session.options.rng.uuid(),
      creationTimestamp: session.now,
      labels: { [labels.task]: spec.task },
    },
    ...{ task: spec.task, node, day },
    ...{ runs: 0, wallSeconds: 0, coreSeconds: 0 },
  };
}

function withRun(entry: Usage, { spec, status }: Run): Usage {
  const { startedAt = '', finishedAt = startedAt, phase, usage } = status ?? {};
  // Both are by the node's clock, which may have been set in between.
  const wallSeconds = Math.max(0, (Date.parse(finishedAt) - Date.parse(startedAt)) / 1000) || 0;
  const cores = parseCores(spec.resources?.cores ?? 0) / 1000;
  return {
    ...entry,
    runs: entry.runs + 1,
    unsuccessful: (entry.unsuccessful ?? 0) + (phase === 'Succeeded' ? 0 : 1),
    unmeasured: (entry.unmeasured ?? 0) + (usage?.cpuSeconds === undefined ? 1 : 0),
    wallSeconds: rounded(entry.wallSeconds + wallSeconds),
    coreSeconds: rounded(entry.coreSeconds + cores * wallSeconds),
    cpuSeconds: rounded((entry.cpuSeconds ?? 0) + (usage?.cpuSeconds ?? 0)),
    memoryPeak: Math.max(entry.memoryPeak ?? 0, usage?.memoryPeak ?? 0),
  };
}

/** To a millisecond: sums of many short runs must not grow digits. */
function rounded(seconds: number): number {
  return Math.round(seconds * 1000) / 1000;
}

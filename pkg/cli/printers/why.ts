import { ageOf, type Condition, objectKey, type Run } from '../../api/index.ts';
import { timestamp } from '../../base/index.ts';
import type { Holder, NodeAnswer, Why } from '../../placement/index.ts';

export interface WhyShown {
  run: Run;
  /** What the scheduler says itself. */
  told: Condition | undefined;
  why: Why;
  nowMs: number;
}

/** So many of those who hold what is missing are named for each node. */
const shownHolders = 5;

export function whyText({ run, told, why, nowMs }: WhyShown): string {
  const lines = [
    `Run ${objectKey(run.metadata)} waits${told?.status === 'False' ? `: ${told.message}` : ''}`,
    '',
    ...why.nodes.flatMap((answer) => nodeLines(answer, nowMs)),
    ...(why.nodes.length === 0 ? ['no node has joined'] : ['']),
    conclusion(why, told),
  ];
  return `${lines.join('\n')}\n`;
}

function nodeLines({ node, reasons, holders }: NodeAnswer, nowMs: number): string[] {
  const verdict = reasons.length === 0 ? 'fits' : reasons.join(', ');
  const named = holders.slice(0, shownHolders).map((holder) => `    ${holderText(holder, nowMs)}`);
  const more = holders.length - shownHolders;
  return [`  ${node}: ${verdict}`, ...named, ...(more > 0 ? [`    and ${more} more`] : [])];
}

function holderText({ run, sinceMs, untilMs }: Holder, nowMs: number): string {
  const { cores = 0, memory, gpus } = run.spec.resources ?? {};
  const placed = run.spec.placement?.gpus?.map(({ index }) => index).join(',');
  const parts = [
    `${cores} cores`,
    ...(memory === undefined ? [] : [`${memory} memory`]),
    ...(gpus === undefined || placed === undefined ? [] : [`GPU ${placed}`]),
  ];
  const since =
    sinceMs === undefined ? run.status?.phase?.toLowerCase() : `for ${ageOf(timestamp(sinceMs), nowMs)}`;
  const until = untilMs === undefined ? '' : `, until ${timestamp(untilMs)} at the latest`;
  return `held by ${objectKey(run.metadata)}: ${parts.join(', ')}, ${since}${until}`;
}

function conclusion({ nodes, change }: Why, told: Condition | undefined): string {
  if (nodes.some(({ reasons }) => reasons.length === 0))
    return told?.status === 'False' && told.reason !== 'Unschedulable'
      ? 'There is room for it; what it waits for stands above.'
      : 'There is room for it: it is placed at once, or kept back for one that comes first.';
  if (!change) return 'No smaller wish would run now: it waits for nodes.';
  const edits = change.edits.map(({ field, from, to }) => `${field} ${to} (now ${from})`);
  return `It would run now on ${change.node} with ${edits.join(' and ')}.`;
}

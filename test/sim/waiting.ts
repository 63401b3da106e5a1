import { getCondition, objectKey, parseTarget, type Run } from '../../pkg/api/index.ts';
import { hasRoom, notTogether, type Offer, obstacles } from './room.ts';

/**
 * What is wrong with the reason that a Run gives for its waiting: of every node that it could go to something has to
 * be told that it lacks, and nothing that it does not. Empty: it waits with good reason.
 */
export function* untruths(run: Run, offers: readonly Offer[], waiting: readonly Run[]): Generator<string> {
  const condition = getCondition(run.status?.conditions, 'Scheduled');
  const message = condition?.status === 'False' ? condition.message : '';
  if (run.spec.environment === 'absent') {
    if (!message.startsWith('environment absent does not exist'))
      yield `has no environment, and says "${message}"`;
    return;
  }
  const target = run.spec.target === undefined ? undefined : parseTarget(run.spec.target).node;
  const possible = offers.filter(({ node }) => target === undefined || node.metadata.name === target);
  if (possible.length === 0 && !message.startsWith(`node ${target} does not exist`))
    yield `has no node to go to, and says "${message}"`;
  const parts = message.slice(message.indexOf(' fit: ') + ' fit: '.length).split('; ');
  for (const offer of possible) {
    const start = `${offer.node.metadata.name}: `;
    const reason = parts.find((part) => part.startsWith(start))?.slice(start.length) ?? '';
    const fault = faultIn(reason, run, offer, waiting);
    if (fault) yield `says "${message}"; of ${start}${fault}`;
  }
}

function faultIn(reason: string, run: Run, offer: Offer, waiting: readonly Run[]): string | undefined {
  const kept = /^kept for run (\S+), which comes first$/.exec(reason)?.[1];
  if (kept !== undefined) {
    if (!waiting.some(({ metadata }) => objectKey(metadata) === kept)) return `${kept} does not wait`;
    return hasRoom(run, offer) ? undefined : 'it is kept for another, and lacks something';
  }
  const all = obstacles(run, offer);
  // Amounts of NUMA nodes, which come last, are there on the machine: only that they are not together is looked at.
  const rest = reason.replace(
    /(has no single NUMA node with|GPU \d+ is on (no )?NUMA node|on NUMA node \d+: ).*/,
    notTogether,
  );
  const told = all.filter(({ says }) => says.test(rest));
  const wrong = told.find(
    ({ isTrue, amount }) => !isTrue || (amount !== undefined && !reason.includes(amount)),
  );
  if (wrong) return `not true is ${wrong.says}${wrong.amount ? `, really ${wrong.amount}` : ''}`;
  if (told.length > 0) return undefined;
  const really = all.filter(({ isTrue }) => isTrue).map(({ says }) => String(says));
  return really.length > 0 ? `not told is ${really.join(' ')}` : 'nothing is lacking';
}

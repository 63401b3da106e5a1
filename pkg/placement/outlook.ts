import { type Node, parseTarget, type TaskSpec } from '../api/index.ts';
import { matchingGpus } from './assign/gpus.ts';
import { allocatable, lacks } from './fits.ts';
import { selectorRefusals } from './gates.ts';
import { type Need, needOf } from './need.ts';
import { shapeOf } from './node-shape.ts';
import type { Refusal, RefusalCode } from './refusal.ts';

/** So many are told; a task may have thousands of targets. */
const toldAtMost = 5;

/**
 * What of a Task none of the nodes could give even with nothing on it: a sentence for each, which begins with the
 * field. Its Runs would wait, perhaps for a node that joins later; nothing is said before the first node has.
 */
export function outlook(spec: TaskSpec, nodes: readonly Node[]): string[] {
  if (!nodes.some(isKnown)) return [];
  const found = spec.targets?.length ? outlookOfTargets(spec, nodes) : outlookAnywhere(spec, nodes);
  const more = found.length - toldAtMost;
  return more > 0 ? [...found.slice(0, toldAtMost), `spec.targets: ${more} more are so`] : found;
}

/** Whether its runner has told what it has. */
function isKnown({ status }: Node): boolean {
  return status?.allocatable !== undefined;
}

function outlookOfTargets(spec: TaskSpec, nodes: readonly Node[]): string[] {
  const byName = new Map(nodes.map((node) => [node.metadata.name, node]));
  return (spec.targets ?? []).flatMap((target, index) => {
    const field = `spec.targets[${index}]`;
    const { node: name } = parseTarget(target);
    const node = byName.get(name);
    if (!node) return [`${field}: there is no node ${name} yet`];
    if (!isKnown(node)) return [];
    const lacking = lacks(needOf({ ...spec, target }), node);
    return lacking.length > 0 ? [`${field}: node ${name} ${reasonsOf(lacking)}`] : [];
  });
}

interface Lacking {
  node: Node;
  refusals: Refusal[];
}

function outlookAnywhere(spec: TaskSpec, nodes: readonly Node[]): string[] {
  const need = needOf(spec);
  const lacking: Lacking[] = [];
  for (const node of nodes) {
    if (!isKnown(node) || selectorRefusals(need, node).length > 0) continue;
    const refusals = lacks(need, node);
    if (refusals.length === 0) return [];
    lacking.push({ node, refusals });
  }
  if (lacking.length === 0) return ['spec.nodeSelector: no node has these labels'];
  const everywhere = Object.keys(fields).filter((code): code is Amount =>
    lacking.every(({ refusals }) => refusals.some((refusal) => refusal.code === code)),
  );
  if (everywhere.length > 0) return everywhere.map((code) => mostOf(code, need, lacking));
  const each = lacking
    .slice(0, 3)
    .map(({ node, refusals }) => `${node.metadata.name} ${reasonsOf(refusals)}`);
  return [`spec.resources: no node has all of it: ${each.join('; ')}`];
}

type Amount = Extract<RefusalCode, 'Cores' | 'Memory' | 'Pin' | 'Numa' | 'Gpus'>;

const fields: Record<Amount, string> = {
  Cores: 'spec.resources.cores',
  Memory: 'spec.resources.memory',
  Pin: 'spec.resources.pin',
  Numa: 'spec.resources.numa',
  Gpus: 'spec.resources.gpus',
};

const amounts: Record<Amount, (need: Need, node: Node) => number> = {
  Cores: (_need, node) => allocatable(node).milliCores,
  Memory: (_need, node) => allocatable(node).memoryBytes,
  Pin: (_need, node) => shapeOf(node).cpus.length,
  Numa: (_need, node) => Math.max(0, ...shapeOf(node).numa.map(({ memoryBytes }) => memoryBytes)),
  Gpus: (need, node) => matchingGpus(need, shapeOf(node)),
};

/** The reason of the node that has most of it. */
function mostOf(code: Amount, need: Need, lacking: readonly Lacking[]): string {
  const amount = ({ node }: Lacking) => amounts[code](need, node);
  const { node, refusals } = lacking.reduce((most, each) => (amount(each) > amount(most) ? each : most));
  const reasons = reasonsOf(refusals.filter((refusal) => refusal.code === code));
  return `${fields[code]}: more than any node has; the most is on ${node.metadata.name}, which ${reasons}`;
}

function reasonsOf(refusals: readonly Refusal[]): string {
  return refusals.map(({ reason }) => reason).join('; ');
}

import type { Need, RefusalCode, Verdict } from '../placement/index.ts';

/** Why a Run has to wait, for its condition Scheduled. */
export interface Explanation {
  reason: 'Unschedulable' | 'Suspended' | 'EnvironmentNotReady';
  /** One line that names every node. */
  message: string;
  /** The same as long as only amounts have changed: these alone are not worth a write for every Run that waits. */
  signature: string;
}

export interface NodeVerdict {
  node: string;
  verdict: Verdict;
}

const amounts: ReadonlySet<RefusalCode> = new Set(['Cores', 'Memory', 'Pin', 'Gpus']);

export const suspended: Explanation = {
  reason: 'Suspended',
  message: 'spec.suspend of its task is true: nothing is started',
  signature: 'suspended',
};

/** `verdicts`: of every node, in order of name; none of them fits. */
export function explain(need: Need, verdicts: readonly NodeVerdict[]): Explanation {
  const names = verdicts.map(({ node }) => node);
  if (need.target !== undefined && !names.includes(need.target.node)) {
    const there = names.length > 0 ? `nodes are: ${names.join(', ')}` : 'no node has joined';
    return unschedulable(`node ${need.target.node} does not exist yet; ${there}`);
  }
  if (names.length === 0) return unschedulable('0/0 nodes fit: no node has joined yet');
  const refused = verdicts.filter(({ verdict }) => !isOther(verdict));
  const others = verdicts.filter(({ verdict }) => isOther(verdict)).map(({ node }) => node);
  const parts = refused.map(({ node, verdict }) => `${node}: ${reasonsOf(verdict).join(', ')}`);
  if (others.length > 0) parts.push(`not the target: ${others.join(', ')}`);
  const signature = refused.map(({ node, verdict }) => `${node}: ${stableReasonsOf(verdict).join(', ')}`);
  return unschedulable(
    `0/${names.length} nodes fit: ${parts.join('; ')}`,
    [...signature, ...others].join('; '),
  );
}

function unschedulable(message: string, signature = message): Explanation {
  return { reason: 'Unschedulable', message, signature };
}

/** Refused for no other reason than that the Run wants another node. */
function isOther(verdict: Verdict): boolean {
  return !verdict.fits && verdict.codes[0] === 'Target';
}

function reasonsOf(verdict: Verdict): string[] {
  return verdict.fits ? [] : verdict.reasons;
}

function stableReasonsOf(verdict: Verdict): string[] {
  if (verdict.fits) return [];
  return verdict.reasons.map((reason, position) => {
    const code = verdict.codes[position];
    return code && amounts.has(code) ? code : reason;
  });
}

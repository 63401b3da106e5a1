import { getCondition, type Node } from '../api/index.ts';
import type { Need } from './need.ts';
import type { Refusal } from './refusal.ts';
import { formatTaint, untolerated } from './taints.ts';

/** Conditions of a Node with which nothing new comes: a run would fail there, or lose its output. */
const pressures = ['DiskPressure', 'LogVolumePressure'];
/** With which no containers come. */
const enginePressure = 'EngineVolumePressure';

/** What makes every other reason moot: another target, a node that is not there. */
export function gateRefusal(need: Need, node: Node): Refusal | undefined {
  const name = node.metadata.name ?? '';
  if (need.target !== undefined && need.target.node !== name) {
    return { code: 'Target', reason: `not the target ${need.target.node}` };
  }
  if (node.metadata.deletionTimestamp) return { code: 'Deleting', reason: 'being deleted' };
  if (node.spec?.fencedAt !== undefined) {
    return { code: 'Fenced', reason: 'fenced, until its runner is back and has cleaned up' };
  }
  const ready = getCondition(node.status?.conditions, 'Ready');
  if (ready?.status !== 'True') {
    return { code: 'NotReady', reason: `not Ready (${ready?.reason ?? 'NeverReported'})` };
  }
  if (node.spec?.drain) return { code: 'Unschedulable', reason: 'drained, until river uncordon' };
  if (node.spec?.unschedulable) return { code: 'Unschedulable', reason: 'unschedulable (cordoned)' };
  const pressure = (need.runtime === 'docker' ? [...pressures, enginePressure] : pressures)
    .map((type) => getCondition(node.status?.conditions, type))
    .find((condition) => condition?.status === 'True');
  if (pressure) return { code: 'Pressure', reason: `${pressure.type} (${pressure.reason})` };
  if (need.avoid.includes(name)) return { code: 'Avoided', reason: 'its runner has refused this run' };
  return undefined;
}

/** What a person has said of the node, and which runtimes it has. */
export function suitabilityRefusals(need: Need, node: Node): Refusal[] {
  const taints = untolerated(node, 'NoSchedule', need.tolerations).map(
    (taint): Refusal => ({ code: 'Taint', reason: `taint ${formatTaint(taint)} is not tolerated` }),
  );
  const runtimes = node.status?.runtimes ?? [];
  const runtime: Refusal[] = runtimes.includes(need.runtime)
    ? []
    : [{ code: 'Runtime', reason: `runtime ${need.runtime} is not available` }];
  return [...taints, ...selectorRefusals(need, node), ...runtime];
}

export function selectorRefusals(need: Need, node: Node): Refusal[] {
  const refusals: Refusal[] = [];
  for (const [key, wanted] of Object.entries(need.nodeSelector)) {
    const { labels = {} } = node.metadata;
    const has = Object.hasOwn(labels, key) ? labels[key] : undefined;
    if (has === wanted) continue;
    const found = has === undefined ? 'has no such label' : `has ${key}=${has}`;
    refusals.push({ code: 'Selector', reason: `needs label ${key}=${wanted}, ${found}` });
  }
  return refusals;
}

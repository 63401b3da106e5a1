import type { Node, Taint, Toleration } from '../api/index.ts';

/** Whether one of the tolerations is for this taint, as in Kubernetes. */
function isTolerated(taint: Taint, tolerations: readonly Toleration[]): boolean {
  return tolerations.some(({ key, operator = 'Equal', value = '', effect }) => {
    if (effect !== undefined && effect !== taint.effect) return false;
    if (key !== undefined && key !== taint.key) return false;
    return operator === 'Exists' || value === (taint.value ?? '');
  });
}

/** Taints of one effect that none of the tolerations is for. */
export function untolerated(
  node: Node,
  effect: Taint['effect'],
  tolerations: readonly Toleration[],
): Taint[] {
  return (node.spec?.taints ?? []).filter(
    (taint) => taint.effect === effect && !isTolerated(taint, tolerations),
  );
}

/** As people write it: `key=value:NoSchedule`, or `key:NoSchedule` without a value. */
export function formatTaint({ key, value, effect }: Taint): string {
  return `${key}${value ? `=${value}` : ''}:${effect}`;
}

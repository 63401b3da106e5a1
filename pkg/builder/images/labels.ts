/** On every image that river makes. */
export const labels = {
  /** Whose layer it is, and the key of the step: the same key of the same cluster is the same layer. */
  step: 'river.dev/step',
  /** Which file of a root file system was imported. */
  rootfs: 'river.dev/rootfs',
} as const;

/** One label, as each is a layer of its own. */
export function stepLabel(cluster: string, key: string): string {
  return `${cluster}/${key}`;
}

/** Undefined for a layer of a River that did not say whose it is: there the label is the key alone. */
export function clusterOfStep(label: string): string | undefined {
  const [cluster, key] = label.split('/');
  return key === undefined ? undefined : cluster;
}

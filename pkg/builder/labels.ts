/** On every image that river makes. */
export const labels = {
  /** Key of the step: the same key is the same layer. */
  step: 'river.dev/step',
  /** Which file of a root file system was imported. */
  rootfs: 'river.dev/rootfs',
} as const;

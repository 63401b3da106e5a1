import { shortDigest } from '../environment/index.ts';

/** On every image that river makes. */
export const labels = {
  /** Key of the step: the same key is the same layer. */
  step: 'river.dev/step',
  /** Which file of a root file system was imported. */
  rootfs: 'river.dev/rootfs',
} as const;

/** Names what was loaded or imported to build on: by it that can be taken away again. */
export function baseName(id: string): string {
  return `river-base:${shortDigest(id)}`;
}

export const ownBaseName = /^river-base:[0-9a-f]{12}$/;

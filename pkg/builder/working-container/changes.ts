import { posix } from 'node:path';
import type { ContainerChanges } from '../../api/index.ts';

/** As the engine numbers them. */
const letters = ['C', 'A', 'D'];
const shownPaths = 10;

export const noChanges: ContainerChanges = { added: 0, changed: 0, deleted: 0, paths: [] };

/** Of the engine's list; it is null when nothing has changed. */
export function countChanges(list: readonly { Path: string; Kind: number }[] | null): ContainerChanges {
  const all = list ?? [];
  const count = (kind: number) => all.filter(({ Kind }) => Kind === kind).length;
  // Most folders are in the list only because of what is in them: that says more.
  const folders = new Set(all.map(({ Path }) => posix.dirname(Path)));
  const telling = all.filter(({ Path }) => !folders.has(Path));
  return {
    added: count(1),
    changed: count(0),
    deleted: count(2),
    paths: telling
      .sort((left, right) => (left.Path < right.Path ? -1 : 1))
      .slice(0, shownPaths)
      .map(({ Path, Kind }) => `${letters[Kind] ?? '?'} ${Path}`),
  };
}

export function isClean({ added, changed, deleted }: ContainerChanges): boolean {
  return added + changed + deleted === 0;
}
